//! Keyset pages: an opaque cursor names the last item seen, so that a page stays right while rows come and go.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Items of a page when nobody asks for a number.
pub const PAGE_LIMIT_DEFAULT: u32 = 100;

/// Items of a page at most: a listing of 1,000 resources is about 2 MB of JSON.
pub const PAGE_LIMIT_MAX: u32 = 1_000;

/// What a list answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Hand it back as `after`; absent on the last page.
    pub next: Option<String>,
}

/// Which page is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Items of a page, 1 to 1,000; 100 when absent.
    pub limit: Option<u32>,
    /// `next` of the page before.
    pub after: Option<String>,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PageError {
    #[error("`limit` is {0}; write a number from 1 to {PAGE_LIMIT_MAX}")]
    Limit(u32),
    #[error("`after` is no cursor of this list; hand back `next` of the page before, unchanged")]
    Cursor,
}

impl PageQuery {
    pub(crate) fn limit(&self) -> Result<u32, PageError> {
        match self.limit {
            None => Ok(PAGE_LIMIT_DEFAULT),
            Some(limit) if (1..=PAGE_LIMIT_MAX).contains(&limit) => Ok(limit),
            Some(limit) => Err(PageError::Limit(limit)),
        }
    }

    /// The key that the cursor holds.
    pub(crate) fn after<K: DeserializeOwned>(&self) -> Result<Option<K>, PageError> {
        let Some(cursor) = self.after.as_deref().filter(|cursor| !cursor.is_empty()) else { return Ok(None) };
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok().ok_or(PageError::Cursor)?;
        serde_json::from_slice(&bytes).ok().ok_or(PageError::Cursor).map(Some)
    }
}

impl<T> Page<T> {
    /// `items` holds one more than `limit` where another page follows.
    pub(crate) fn cut<K: Serialize>(mut items: Vec<T>, limit: u32, key: impl Fn(&T) -> K) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        if items.len() <= limit {
            return Self { items, next: None };
        }
        items.truncate(limit);
        let next = items.last().and_then(|last| cursor(&key(last)));
        Self { items, next }
    }

    pub(crate) fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(change).collect(), next: self.next }
    }
}

fn cursor<K: Serialize>(key: &K) -> Option<String> {
    serde_json::to_vec(key).ok().map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_gives_back_the_key_of_the_last_item() {
        let page = Page::cut(vec!["a", "b", "c"], 2, |item| ((*item).to_owned(), 7));
        assert_eq!(page.items, ["a", "b"]);
        let query = PageQuery { limit: None, after: page.next };
        assert_eq!(query.after::<(String, i32)>().unwrap(), Some(("b".to_owned(), 7)));
    }

    #[test]
    fn the_last_page_has_no_cursor() {
        assert_eq!(Page::cut(vec![1, 2], 2, |item| *item).next, None);
    }

    #[test]
    fn a_foreign_cursor_and_a_limit_out_of_range_are_refused() {
        let query = PageQuery { limit: Some(1_001), after: Some("%%%".to_owned()) };
        assert_eq!(query.limit(), Err(PageError::Limit(1_001)));
        assert_eq!(query.after::<String>(), Err(PageError::Cursor));
    }
}
