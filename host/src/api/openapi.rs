//! The OpenAPI 3.1 document: gathered from the operations, and locked by a snapshot.

use axum::Json;
use utoipa::Modify;
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, ResponseBuilder, SecurityRequirement};

use super::problem::{FieldError, PROBLEM_JSON, Problem};
use super::v1;

const TOKEN: &str = "token";

#[derive(OpenApi)]
#[openapi(
    info(title = "Headgate", version = "1", description = "A control plane for messaging and data infrastructure."),
    components(schemas(Problem, FieldError)),
    modifiers(&TokenScheme)
)]
struct Frame;

/// Every operation asks for the token.
struct TokenScheme;

impl Modify for TokenScheme {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("`hg_…`; the owner's is in the file `token` of the data folder"))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme(TOKEN, SecurityScheme::Http(bearer));
        document.security = Some(vec![SecurityRequirement::new(TOKEN, Vec::<String>::new())]);
    }
}

/// Of version 1.
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = Frame::openapi();
    document.merge(v1::routes().into_openapi());
    for item in document.paths.paths.values_mut() {
        operations_mut(item).for_each(add_problem);
    }
    document
}

pub(crate) async fn show_document() -> Json<utoipa::openapi::OpenApi> {
    Json(document())
}

fn operations_mut(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, delete, patch].into_iter().filter_map(Option::as_mut)
}

fn add_problem(operation: &mut Operation) {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let response =
        ResponseBuilder::new().description("Why it was not done").content(PROBLEM_JSON, content).build();
    operation.responses.responses.insert("default".to_owned(), response.into());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operations() -> Vec<(String, Operation)> {
        let mut document = document();
        let mut all = Vec::new();
        for (path, item) in &mut document.paths.paths {
            all.extend(operations_mut(item).map(|operation| (path.clone(), operation.clone())));
        }
        all
    }

    #[test]
    fn the_document_is_as_it_was_published() {
        let text = document().to_pretty_json().unwrap() + "\n";
        insta::assert_snapshot!("openapi", text);
    }

    #[test]
    fn it_is_openapi_3_1() {
        let document = serde_json::to_value(document()).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
    }

    /// `clusters/register.rs` holds `register_cluster`: operation, file and function carry one name.
    #[test]
    fn every_operation_is_named_as_its_file() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api/v1");
        let mut files = Vec::new();
        for folder in
            std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
        {
            let noun = folder.file_name().unwrap().to_str().unwrap().to_owned();
            for file in std::fs::read_dir(&folder).unwrap() {
                let verb = file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned();
                files.push((format!("{verb}_{noun}"), format!("{verb}_{}", singular(&noun))));
            }
        }
        let mut ids: Vec<_> =
            operations().into_iter().map(|(path, operation)| operation.operation_id.expect(&path)).collect();
        for (plural, singular) in files {
            let found = ids.iter().position(|id| *id == plural || *id == singular);
            ids.remove(found.unwrap_or_else(|| panic!("no operation is named {plural} or {singular}")));
        }
        assert_eq!(ids, Vec::<String>::new(), "operations without a file of their name");
    }

    fn singular(noun: &str) -> String {
        match noun.strip_suffix("ies") {
            Some(stem) => format!("{stem}y"),
            None => noun.strip_suffix('s').unwrap_or(noun).to_owned(),
        }
    }
}
