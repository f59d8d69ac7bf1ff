//! Access tokens: made once, shown once, kept as a hash.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::SecureRandom;
use serde_json::json;

use super::caller::{Caller, Role};
use super::names::is_label;
use super::{App, AppError, Happened, Refusal};
use crate::domain::id::{DEFAULT_ORGANIZATION, OrganizationId, TokenId};
use crate::domain::record::{By, Change};
use crate::store::{Token, TokenRole};

/// Tells a token apart from other secrets, for people and for scanners of leaked ones.
const PREFIX: &str = "hg_";

/// Of randomness: nobody guesses it, and a plain hash needs no salt.
const RANDOM_BYTES: usize = 32;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    pub name: String,
    pub role: Role,
    pub expires_at_ms: Option<i64>,
}

/// A new token. Its text is nowhere else.
pub struct Minted {
    pub token: Token,
    pub text: String,
}

impl App {
    /// `None`: unknown, or past its time. Looked up by hash, so that no comparison leaks how near a guess was.
    pub async fn authenticate(&self, text: &str) -> Result<Option<Caller>, AppError> {
        if !text.starts_with(PREFIX) {
            return Ok(None);
        }
        let token = self.store.find_token_by_hash(&hash(text)).await?;
        let now_ms = self.now_ms();
        let good =
            token.filter(|token| token.expires_at_ms.is_none_or(|expires_at_ms| now_ms < expires_at_ms));
        Ok(good.map(|token| Caller {
            organization: token.organization,
            by: By { actor: format!("token:{}", token.name), request_id: None },
            role: role(token.role),
        }))
    }

    pub async fn list_tokens(&self, caller: &Caller) -> Result<Vec<Token>, AppError> {
        Ok(self.store.list_tokens(&caller.organization).await?)
    }

    pub async fn create_token(&self, caller: &Caller, new: NewToken) -> Result<Minted, AppError> {
        caller.may_write()?;
        if !is_label(&new.name) {
            return Err(AppError::wrong("invalid-token", "/name", "write 1 to 63 printable characters"));
        }
        if new.expires_at_ms.is_some_and(|expires_at_ms| expires_at_ms <= self.now_ms()) {
            return Err(AppError::wrong("invalid-token", "/expires_at_ms", "lies in the past"));
        }
        self.mint(caller, new).await
    }

    pub async fn remove_token(&self, caller: &Caller, id: &TokenId) -> Result<(), AppError> {
        caller.may_write()?;
        let tokens = self.store.list_tokens(&caller.organization).await?;
        let token = tokens
            .iter()
            .find(|token| token.id == *id)
            .ok_or_else(|| AppError::not_found("token", id.as_str()))?;
        let others = tokens.iter().filter(|other| other.id != *id && other.role == TokenRole::Owner);
        if others.filter(|other| other.expires_at_ms.is_none()).count() == 0 && token.role == TokenRole::Owner
        {
            let message = format!(
                "token `{}` is the last owner's: nobody could change anything without it",
                token.name
            );
            return Err(AppError::refused(Refusal::LastOwner, message));
        }
        let mut tx = self.store.begin().await?;
        if !tx.delete_token(id).await? {
            return Err(AppError::not_found("token", id.as_str()));
        }
        self.record(&mut tx, caller, about(token, "token.removed", "token.remove")).await?;
        Ok(tx.commit().await?)
    }

    /// For the first start, and where the file with the owner's token does not open the host any more: whoever may
    /// write the data folder owns the host.
    pub async fn mint_owner(&self) -> Result<Minted, AppError> {
        let caller = Caller {
            organization: OrganizationId(DEFAULT_ORGANIZATION.to_owned()),
            by: By::host(),
            role: Role::Owner,
        };
        self.mint(&caller, NewToken { name: "owner".to_owned(), role: Role::Owner, expires_at_ms: None })
            .await
    }

    async fn mint(&self, caller: &Caller, new: NewToken) -> Result<Minted, AppError> {
        let text = self.random_text()?;
        let token = Token {
            id: TokenId(self.next_id()),
            organization: caller.organization.clone(),
            name: new.name,
            role: match new.role {
                Role::Owner => TokenRole::Owner,
                Role::Reader => TokenRole::Reader,
            },
            created_at_ms: self.now_ms(),
            expires_at_ms: new.expires_at_ms,
        };
        let mut tx = self.store.begin().await?;
        tx.insert_token(&token, &hash(&text)).await?;
        self.record(&mut tx, caller, about(&token, "token.created", "token.create")).await?;
        tx.commit().await?;
        Ok(Minted { token, text })
    }

    fn random_text(&self) -> Result<String, AppError> {
        let mut bytes = [0; RANDOM_BYTES];
        self.random.fill(&mut bytes).ok().ok_or(AppError::Random)?;
        Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }
}

fn about<'a>(token: &'a Token, kind: &'static str, action: &'static str) -> Happened<'a> {
    let data = json!({"id": token.id, "role": word(token.role)});
    let document = json!({"id": token.id, "role": word(token.role), "expires_at_ms": token.expires_at_ms});
    let change = Change::new(action, &token.name);
    let change = match action {
        "token.remove" => change.before(document),
        _ => change.after(document),
    };
    Happened { cluster: None, kind, subject: &token.name, data, change }
}

fn word(role: TokenRole) -> &'static str {
    match role {
        TokenRole::Owner => "owner",
        TokenRole::Reader => "reader",
    }
}

fn role(role: TokenRole) -> Role {
    match role {
        TokenRole::Owner => Role::Owner,
        TokenRole::Reader => Role::Reader,
    }
}

fn hash(text: &str) -> Vec<u8> {
    digest(&SHA256, text.as_bytes()).as_ref().to_vec()
}
