//! What people read.

use crate::cli::terminal::Terminal;

fn told(arguments: &[&str]) -> (String, String, u8) {
    let (mut terminal, stdout, stderr) = Terminal::recorded("");
    let arguments = ["headgate", "plugin", "test"].into_iter().chain(arguments.iter().copied());
    let exit = crate::cli::run(arguments.map(std::ffi::OsString::from), &mut terminal);
    (stdout.text(), stderr.text(), exit.code())
}

#[test]
fn the_checks_are_listed_with_what_they_need() {
    let (listed, _, code) = told(&["--list"]);
    assert_eq!(code, 0);
    assert!(listed.contains("contract/paging") && listed.contains("a cluster or a cassette"), "{listed}");
    assert!(listed.lines().count() > 25, "{listed}");
}

#[test]
fn a_check_that_does_not_exist_is_no_check_that_passes() {
    let (_, said, code) = told(&["none.wasm", "--only", "pageing"]);
    assert_eq!(code, 3);
    assert!(said.contains("--only pageing: there is no such group or check"), "{said}");
}

#[test]
fn a_file_that_is_no_plugin_fails_with_its_stage_and_nothing_else_is_tried() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("text.wasm");
    std::fs::write(&file, "no component").unwrap();
    let junit = folder.path().join("report.xml");
    let (shown, said, code) = told(&[file.to_str().unwrap(), "--junit", junit.to_str().unwrap()]);
    assert_eq!(code, 1, "{shown}{said}");
    assert!(
        shown.contains("Failed: static/loads") && shown.contains("found      text, of 12 bytes"),
        "{shown}"
    );
    assert!(shown.contains("the plugin does not load"), "{shown}");
    let xml = std::fs::read_to_string(junit).unwrap();
    assert!(xml.contains(r#"name="loads""#) && xml.contains("failures=\"1\""), "{xml}");
}
