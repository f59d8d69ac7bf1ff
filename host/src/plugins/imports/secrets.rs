//! `secrets`: credentials by handle. Proofs are made here, so that no plugin holds a password.
//!
//! Invariant: a secret serves only the uses that the connection form declares for it (`x-headgate-secret`; at the form's
//! root `x-headgate-named-secrets` for those that specs name), which the operator sees: `send`, `hmac`, `scram`, `salted`,
//! `digest`, `tls`.

mod proof;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use wasmtime::component::Resource;
use zeroize::Zeroizing;

use super::{HostError, HostRefusal, cut};
use crate::plugins::bindings::headgate::host::errors::ErrorKind;
use crate::plugins::bindings::headgate::host::secrets::{
    Encoding, Hash, Host, HostSecret, Piece, ScramProof,
};
use crate::plugins::driver::Secrets;
use crate::plugins::guest::Guest;
use crate::plugins::limits::{ITERATIONS, MESSAGE_BYTES_MAX};

/// Deriving a key with the most rounds takes about a second.
const DERIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// What a guest holds of a secret.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Secret {
    name: String,
    bytes: Arc<Zeroizing<Vec<u8>>>,
    uses: Arc<[String]>,
}

impl Secret {
    fn refusal(&self, wanted: &str) -> Option<String> {
        if self.uses.iter().any(|declared| declared == wanted) {
            return None;
        }
        let (name, declared) = (&self.name, self.uses.join("`, `"));
        Some(format!(
            "the plugin wants to use the secret `{name}` for `{wanted}`, which its connection form does not declare \
             (it declares `{declared}`)"
        ))
    }

    fn check(&self, wanted: &str) -> Result<(), HostError> {
        let refuse = |text| Err(HostError::new(ErrorKind::PermissionDenied, text));
        self.refusal(wanted).map_or(Ok(()), refuse)
    }
}

/// The secrets of a session, and what the connection form says of them.
#[derive(Clone, Default)]
pub(in crate::plugins) struct SecretBox {
    values: Secrets,
    /// By the field's name.
    uses: Arc<BTreeMap<String, Arc<[String]>>>,
    /// Of the secrets that specs name.
    named: Arc<[String]>,
    connection: Arc<Value>,
}

impl SecretBox {
    pub(in crate::plugins) fn new(values: Secrets, schema: &Value, connection: Value) -> Self {
        let mut uses = BTreeMap::new();
        collect_uses(schema, &mut uses);
        let named = schema.get("x-headgate-named-secrets").and_then(Value::as_array).into_iter().flatten();
        let named = named.filter_map(Value::as_str).map(str::to_owned).collect();
        Self { values, uses: Arc::new(uses), named, connection: Arc::new(connection) }
    }

    pub(in crate::plugins) fn values(&self) -> &Secrets {
        &self.values
    }

    fn find(&self, name: &str) -> Result<Secret, HostError> {
        let field = self.field(name);
        let bytes = self.values.0.get(name).or_else(|| self.values.0.get(field)).ok_or_else(|| {
            let text = format!("the cluster has no secret `{name}`; set it with `--secret {name}=@FILE`");
            HostError::new(ErrorKind::NotFound, text)
        })?;
        let uses = Arc::clone(self.uses.get(field).unwrap_or(&self.named));
        Ok(Secret { name: field.to_owned(), bytes: Arc::new(bytes.clone()), uses })
    }

    /// The form's field that holds this name; a field's own name stands for itself.
    fn field<'a>(&'a self, name: &'a str) -> &'a str {
        if self.uses.contains_key(name) {
            return name;
        }
        let holds = |field: &&String| {
            self.connection.get(field.as_str()).and_then(Value::as_str).is_some_and(|value| value == name)
        };
        self.uses.keys().find(holds).map_or(name, String::as_str)
    }

    /// PEM text of a field: of the secret of that name, else as it stands in the form.
    pub(in crate::plugins) fn pem(&self, field: &str) -> Result<Zeroizing<Vec<u8>>, HostError> {
        match self.find(field) {
            Ok(secret) => {
                secret.check("tls")?;
                Ok((*secret.bytes).clone())
            }
            Err(missing) => {
                let text = self.connection.get(field).and_then(Value::as_str);
                // A secret field holds its own name: that is no PEM text.
                match text.filter(|text| *text != field && !self.uses.contains_key(field)) {
                    Some(text) => Ok(Zeroizing::new(text.as_bytes().to_vec())),
                    None => Err(missing),
                }
            }
        }
    }
}

/// Every `properties` of the schema, however deep: forms nest alternatives.
fn collect_uses(schema: &Value, uses: &mut BTreeMap<String, Arc<[String]>>) {
    match schema {
        Value::Object(object) => {
            for (name, inner) in object {
                let declared = inner.get("x-headgate-secret").and_then(Value::as_array);
                if let Some(declared) = declared {
                    let words = declared.iter().filter_map(Value::as_str).map(str::to_owned);
                    uses.insert(name.clone(), words.collect());
                }
                collect_uses(inner, uses);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_uses(item, uses)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

impl Guest {
    /// The bytes of `pieces` in order. `wanted` is the use that each secret among them needs.
    pub(in crate::plugins) fn assemble(
        &self,
        pieces: Vec<Piece>,
        wanted: &str,
    ) -> Result<Zeroizing<Vec<u8>>, HostError> {
        let mut parts = Vec::with_capacity(pieces.len());
        let mut length: usize = 0;
        for piece in pieces {
            parts.push(match piece {
                Piece::Bytes(bytes) => Zeroizing::new(bytes),
                Piece::Secret((handle, encoding)) => {
                    let secret = self.table.get(&handle)?;
                    secret.check(wanted)?;
                    encode(&secret.bytes, encoding, &secret.name)?
                }
            });
            // A handle takes no room, and stands for a secret each time that it is named.
            length = length.saturating_add(parts.last().map_or(0, |part| part.len()));
            if length > MESSAGE_BYTES_MAX {
                let text =
                    format!("a message may have {MESSAGE_BYTES_MAX} bytes at most, its secrets put in");
                return Err(HostError::new(ErrorKind::Exhausted, text));
            }
        }
        // Reserved at once: growing would leave copies of secrets behind.
        let mut all = Zeroizing::new(Vec::with_capacity(length));
        for part in parts {
            all.extend_from_slice(&part);
        }
        Ok(all)
    }

    /// Off the guest's thread: many rounds take long.
    async fn derive(
        &mut self,
        hash: Hash,
        secret: &Resource<Secret>,
        salt: Vec<u8>,
        rounds: u32,
    ) -> Result<Zeroizing<Vec<u8>>, HostError> {
        if !ITERATIONS.contains(&rounds) {
            let (least, most) = (ITERATIONS.start(), ITERATIONS.end());
            let text = format!(
                "the backend asks for {rounds} iterations of its password hash; {least} to {most} are taken: fewer \
                 betray the password, more waste the host's time"
            );
            return Err(HostError::new(ErrorKind::PermissionDenied, text));
        }
        let password = Arc::clone(&self.table.get(secret)?.bytes);
        let began = Instant::now();
        let work = tokio::task::spawn_blocking(move || proof::salted(hash, &password, &salt, rounds));
        let salted = self.call.wait.on(DERIVE_TIMEOUT, work).await;
        // The guest chose it: a loop of this would be more than its share of the host.
        self.cpu.work(began.elapsed());
        let salted = salted.map_err(|why| cut(why, "deriving a key"))?;
        salted.map_err(|stopped| HostError::Trap(wasmtime::Error::new(stopped)))
    }
}

fn encode(bytes: &[u8], encoding: Encoding, name: &str) -> Result<Zeroizing<Vec<u8>>, HostError> {
    let text = || {
        std::str::from_utf8(bytes).map_err(|_not_text| {
            HostError::new(ErrorKind::InvalidArgument, format!("the secret `{name}` is not text in UTF-8"))
        })
    };
    Ok(Zeroizing::new(match encoding {
        Encoding::Raw => bytes.to_vec(),
        Encoding::Base64 => STANDARD.encode(bytes).into_bytes(),
        Encoding::JsonString => Value::from(text()?).to_string().into_bytes(),
        Encoding::Url => percent_encode(bytes),
    }))
}

/// RFC 3986: all but the unreserved characters.
fn percent_encode(bytes: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(bytes.len() * 3);
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            encoded.push(*byte);
        } else {
            encoded.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    encoded
}

impl Host for Guest {
    async fn get(&mut self, name: String) -> Result<Resource<Secret>, HostError> {
        self.enter("secrets")?;
        let secret = self.secrets.find(&name)?;
        Ok(self.table.push(secret)?)
    }
}

impl HostSecret for Guest {
    async fn length(&mut self, secret: Resource<Secret>) -> wasmtime::Result<u32> {
        self.enter("secrets")?;
        Ok(u32::try_from(self.table.get(&secret)?.bytes.len())?)
    }

    async fn hmac(
        &mut self,
        secret: Resource<Secret>,
        hash: Hash,
        data: Vec<Piece>,
    ) -> wasmtime::Result<Vec<u8>> {
        self.enter("secrets")?;
        let key = self.table.get(&secret)?;
        // The contract has no room for an error here.
        if let Some(text) = key.refusal("hmac") {
            return Err(HostRefusal(text).into());
        }
        let key = Arc::clone(&key.bytes);
        match self.assemble(data, "hmac") {
            Ok(data) => {
                let made = proof::hmac(hash, &key, &data);
                self.track.derived(&made);
                Ok(made)
            }
            Err(HostError::Answer(error)) => Err(HostRefusal(error.message).into()),
            Err(HostError::Trap(trap)) => Err(trap),
        }
    }

    async fn salted(
        &mut self,
        secret: Resource<Secret>,
        hash: Hash,
        salt: Vec<u8>,
        iterations: u32,
    ) -> Result<Resource<Secret>, HostError> {
        self.enter("secrets")?;
        let parent = self.table.get(&secret)?;
        parent.check("salted")?;
        let (name, uses) = (format!("{}, salted", parent.name), Arc::clone(&parent.uses));
        let bytes = Arc::new(self.derive(hash, &secret, salt, iterations).await?);
        self.track.derived(&bytes);
        Ok(self.table.push(Secret { name, bytes, uses })?)
    }

    async fn digest(
        &mut self,
        secret: Resource<Secret>,
        hash: Hash,
        before: Vec<u8>,
    ) -> Result<Resource<Secret>, HostError> {
        self.enter("secrets")?;
        let parent = self.table.get(&secret)?;
        parent.check("digest")?;
        let (name, uses) = (format!("{}, hashed", parent.name), Arc::clone(&parent.uses));
        let bytes = Arc::new(Zeroizing::new(proof::digest(hash, &[&before, &parent.bytes])));
        self.track.derived(&bytes);
        Ok(self.table.push(Secret { name, bytes, uses })?)
    }

    async fn scram(
        &mut self,
        secret: Resource<Secret>,
        hash: Hash,
        salt: Vec<u8>,
        iterations: u32,
        auth_message: Vec<u8>,
    ) -> Result<ScramProof, HostError> {
        self.enter("secrets")?;
        self.table.get(&secret)?.check("scram")?;
        let salted = self.derive(hash, &secret, salt, iterations).await?;
        let made = proof::scram(hash, &salted, &auth_message);
        self.track.derived(&made.client_proof);
        self.track.derived(&made.server_signature);
        Ok(made)
    }

    async fn drop(&mut self, secret: Resource<Secret>) -> wasmtime::Result<()> {
        self.table.delete(secret)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn vault() -> SecretBox {
        let values = [("password", "pencil"), ("identity", "PEM")];
        let values = values.map(|(name, value)| (name.to_owned(), Zeroizing::new(value.as_bytes().to_vec())));
        let schema = json!({"properties": {
            "password": {"x-headgate-secret": ["scram", "send"]},
            "ca": {"type": "string"},
            "login": {"oneOf": [{"properties": {"identity": {"x-headgate-secret": ["tls"]}}}]},
        }});
        let connection = json!({"password": "password", "ca": "CA TEXT", "identity": "identity"});
        SecretBox::new(Secrets(Arc::new(values.into_iter().collect())), &schema, connection)
    }

    fn message(error: HostError) -> String {
        match error {
            HostError::Answer(error) => error.message,
            HostError::Trap(trap) => panic!("trapped: {trap}"),
        }
    }

    #[test]
    fn a_use_that_the_form_does_not_declare_is_refused() {
        let password = vault().find("password").unwrap();
        assert!(password.check("scram").is_ok() && password.check("send").is_ok());
        let refused = message(password.check("hmac").unwrap_err());
        assert!(
            refused.contains("`password` for `hmac`") && refused.contains("`scram`, `send`"),
            "{refused}"
        );
    }

    #[test]
    fn tls_material_comes_from_the_form_or_from_a_secret_of_that_use() {
        let vault = vault();
        assert_eq!(*vault.pem("ca").unwrap(), b"CA TEXT");
        assert_eq!(*vault.pem("identity").unwrap(), b"PEM");
        assert!(message(vault.pem("password").unwrap_err()).contains("for `tls`"));
        assert!(message(vault.pem("other").unwrap_err()).contains("no secret `other`"));
    }

    #[test]
    fn a_missing_secret_says_how_to_set_it() {
        let Err(error) = vault().find("token") else { panic!("found a secret that is not there") };
        assert!(message(error).contains("--secret token=@FILE"));
    }

    #[test]
    fn secrets_are_encoded_as_the_protocol_asks() {
        let encoded = |encoding| encode("a\"b/ü".as_bytes(), encoding, "x").unwrap().to_vec();
        assert_eq!(encoded(Encoding::Base64), b"YSJiL8O8");
        assert_eq!(encoded(Encoding::JsonString), "\"a\\\"b/ü\"".as_bytes());
        assert_eq!(encoded(Encoding::Url), b"a%22b%2F%C3%BC");
    }
}
