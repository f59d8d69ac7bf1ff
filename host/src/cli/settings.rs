//! `--set KEY=VALUE` and `--secret KEY=SOURCE`, as a connection form and its secrets.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::failure::Failure;
use super::locate::Variables;
use super::terminal::Terminal;

/// `KEY=VALUE` each. A dot leads into an object.
pub(crate) fn connection(settings: &[String], schema: &Value) -> Result<Value, Failure> {
    let mut form = Map::new();
    for setting in settings {
        let Some((key, value)) = setting.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            return Err(Failure::Input(format!("--set {setting}: write KEY=VALUE")));
        };
        let path: Vec<&str> = key.split('.').collect();
        let field = field(schema, &path);
        if field.is_some_and(is_secret) {
            return Err(Failure::Input(format!(
                "--set {key}: it is a secret, and would stay in the shell's history; give --secret {key}=@FILE, \
                 --secret {key}=- or --secret {key}=env:NAME"
            )));
        }
        put(&mut form, &path, typed(value, field)).map_err(|taken| {
            Failure::Input(format!("--set {key}: `{taken}` is given twice, or as a value and as an object"))
        })?;
    }
    Ok(Value::Object(form))
}

/// `KEY=@FILE`, `KEY=-` (standard input), `KEY=env:NAME`; a line's end at its end is not part of it.
pub(crate) fn secrets(
    arguments: &[String],
    variables: Variables<'_>,
    terminal: &mut Terminal,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut secrets = BTreeMap::new();
    let mut stdin_taken = false;
    for argument in arguments {
        // What stands behind `=` may be the secret itself, and is never repeated.
        let Some((key, source)) = argument.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            return Err(Failure::Input("--secret: write KEY=@FILE, KEY=- or KEY=env:NAME".to_owned()));
        };
        let bytes = if let Some(path) = source.strip_prefix('@') {
            std::fs::read(path).map_err(|source| Failure::File { path: path.into(), source })?
        } else if source == "-" {
            if std::mem::replace(&mut stdin_taken, true) {
                return Err(Failure::Input(format!(
                    "--secret {key}=-: standard input holds one secret only"
                )));
            }
            terminal.read_stdin().map_err(|source| Failure::File { path: "standard input".into(), source })?
        } else if let Some(name) = source.strip_prefix("env:") {
            let value = variables(name);
            value
                .ok_or_else(|| Failure::Input(format!("--secret {key}=env:{name}: it is not set")))?
                .into_bytes()
        } else {
            return Err(Failure::Input(format!(
                "--secret {key}: a secret on the command line stays in the shell's history; write {key}=@FILE, {key}=- \
                 or {key}=env:NAME"
            )));
        };
        let text = String::from_utf8(bytes).ok().map(|text| text.trim_end_matches(['\r', '\n']).to_owned());
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            return Err(Failure::Input(format!("--secret {key}: it is empty, or no UTF-8 text")));
        };
        if secrets.insert(key.to_owned(), text).is_some() {
            return Err(Failure::Input(format!("--secret {key}: it is given twice")));
        }
    }
    Ok(secrets)
}

/// A field at the top of a form that is a secret, and holds a text.
pub(crate) fn open_secret(form: &Value, schema: &Value) -> Option<String> {
    let is_open = |key: &&String| field(schema, &[key.as_str()]).is_some_and(is_secret);
    let texts = form.as_object()?.iter().filter(|(_, value)| value.is_string()).map(|(key, _)| key);
    texts.clone().find(is_open).cloned()
}

fn field<'a>(schema: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(schema, |schema, key| schema.get("properties")?.get(key))
}

fn is_secret(field: &Value) -> bool {
    field.get("x-headgate-secret").is_some_and(|hint| hint != &Value::Bool(false))
        || field.get("writeOnly") == Some(&Value::Bool(true))
}

/// Text, unless the form wants something else; what does not fit is left to the host to refuse.
fn typed(value: &str, field: Option<&Value>) -> Value {
    let wants = |name: &str| match field.and_then(|field| field.get("type")) {
        Some(Value::String(one)) => one == name,
        Some(Value::Array(several)) => several.iter().any(|one| one == name),
        _ => false,
    };
    let text = || Value::String(value.to_owned());
    if wants("string") {
        return text();
    }
    if wants("array") && !value.trim_start().starts_with('[') {
        return Value::Array(value.split(',').map(|item| Value::String(item.trim().to_owned())).collect());
    }
    if ["integer", "number", "boolean", "array", "object"].into_iter().any(wants) {
        return serde_json::from_str(value).unwrap_or_else(|_| text());
    }
    text()
}

fn put(form: &mut Map<String, Value>, path: &[&str], value: Value) -> Result<(), String> {
    let [key, rest @ ..] = path else { return Ok(()) };
    if rest.is_empty() {
        return match form.insert((*key).to_owned(), value) {
            None => Ok(()),
            Some(_) => Err((*key).to_owned()),
        };
    }
    match form.entry(*key).or_insert_with(|| Value::Object(Map::new())) {
        Value::Object(below) => put(below, rest, value),
        _ => Err((*key).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({"properties": {
            "bootstrap": {"type": "string"},
            "servers": {"type": "array"},
            "timeout_ms": {"type": "integer"},
            "tls": {"properties": {"verify": {"type": "boolean"}, "key": {"x-headgate-secret": true}}},
            "password": {"type": "string", "x-headgate-secret": {"uses": ["scram"]}},
        }})
    }

    fn form(settings: &[&str]) -> Result<Value, String> {
        let settings: Vec<String> = settings.iter().map(|setting| (*setting).to_owned()).collect();
        connection(&settings, &schema()).map_err(|failure| failure.to_string())
    }

    #[test]
    fn values_take_the_forms_types() {
        assert_eq!(
            form(&[
                "bootstrap=127.0.0.1:9092,b:1",
                "servers=a:1, b:2",
                "timeout_ms=500",
                "tls.verify=false",
                "other=7"
            ]),
            Ok(json!({
                "bootstrap": "127.0.0.1:9092,b:1", "servers": ["a:1", "b:2"], "timeout_ms": 500,
                "tls": {"verify": false}, "other": "7",
            }))
        );
        assert_eq!(form(&["timeout_ms=soon"]), Ok(json!({"timeout_ms": "soon"})));
    }

    #[test]
    fn a_secret_is_not_set_in_the_open() {
        insta::assert_snapshot!(form(&["password=hunter2"]).unwrap_err(), @"--set password: it is a secret, and would stay in the shell's history; give --secret password=@FILE, --secret password=- or --secret password=env:NAME");
        assert!(!form(&["tls.key=hunter2"]).unwrap_err().contains("hunter2"));
    }

    #[test]
    fn a_secret_in_a_form_is_seen() {
        let open = |form: Value| open_secret(&form, &schema());
        assert_eq!(open(json!({"bootstrap": "a:1", "password": "hunter2"})).as_deref(), Some("password"));
        assert_eq!(open(json!({"bootstrap": "a:1", "password": null})), None);
    }

    #[test]
    fn what_is_no_setting_is_refused() {
        insta::assert_snapshot!(
            [&["bootstrap"][..], &["=x"], &["a=1", "a=2"], &["a=1", "a.b=2"]].map(|given| form(given).unwrap_err()).join("\n"),
            @"
            --set bootstrap: write KEY=VALUE
            --set =x: write KEY=VALUE
            --set a: `a` is given twice, or as a value and as an object
            --set a.b: `a` is given twice, or as a value and as an object
            "
        );
    }

    fn opened(arguments: &[&str], stdin: &str) -> Result<BTreeMap<String, String>, String> {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let (mut terminal, _, _) = Terminal::recorded(stdin);
        let variables = |name: &str| (name == "KAFKA_PASSWORD").then(|| "from-env".to_owned());
        secrets(&arguments, &variables, &mut terminal).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_secret_comes_from_a_file_standard_input_or_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        std::fs::write(&path, "from file \n").unwrap();
        let file = format!("password=@{}", path.display());
        let found = opened(&[&file, "key=-", "user=env:KAFKA_PASSWORD"], "from stdin\r\n").unwrap();
        assert_eq!(found["password"], "from file ");
        assert_eq!(found["key"], "from stdin");
        assert_eq!(found["user"], "from-env");
    }

    #[test]
    fn a_secret_in_the_open_is_refused_and_not_repeated() {
        for given in ["password=hunter2", "hunter2", "=hunter2"] {
            let told = opened(&[given], "").unwrap_err();
            assert!(!told.contains("hunter2"), "{told}");
        }
        insta::assert_snapshot!(
            [&["a=-", "b=-"][..], &["a=env:ABSENT"], &["a=-"], &["a=@absent-file"]]
                .map(|given| opened(given, "").unwrap_err())
                .join("\n"),
            @"
            --secret a: it is empty, or no UTF-8 text
            --secret a=env:ABSENT: it is not set
            --secret a: it is empty, or no UTF-8 text
            cannot read absent-file: No such file or directory (os error 2)
            "
        );
    }
}
