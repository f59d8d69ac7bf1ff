//! Checks the tree itself: what the compiler cannot see and a reader should not have to.
//!
//! Each check is a function over files, so that its own test can hand it a file that breaks the rule.

mod boundaries;
mod budgets;
mod modules;
mod names;
mod purpose;
mod source;

use std::path::Path;

use source::Source;

const ALLOWED: &str = include_str!("allowed.txt");

#[test]
fn every_file_says_what_it_is_for() {
    none(&purpose::check(&files()));
}

#[test]
fn modules_see_only_what_the_table_names() {
    none(&modules::check(&files()));
}

#[test]
fn everything_is_where_it_belongs() {
    none(&boundaries::check(&files()));
}

#[test]
fn names_say_something() {
    none(&names::check(&files()));
}

#[test]
fn files_and_functions_stay_within_their_budgets() {
    none(&budgets::check(&files(), ALLOWED));
}

/// `make listing` prints this.
#[test]
fn listing() {
    let files = files();
    let rust = files.iter().filter(|file| file.is_rust());
    let (count, lines) =
        rust.fold((0, 0), |(count, lines), file| (count + 1, lines + file.text.lines().count()));
    assert!(count > 0, "the tree was not found");
    let over = budgets::listing(&files);
    println!(
        "over budget: {} of {count} Rust files with {lines} lines (files 500, functions 70)",
        over.len()
    );
    for one in over {
        println!("over {one}");
    }
}

fn files() -> Vec<Source> {
    // Cargo sets it when it runs a test: a binary that was built in another folder checks the tree it is run for.
    let tests = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    source::tree(Path::new(&tests).parent().unwrap_or(Path::new(".")))
}

fn none(found: &[String]) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}
