//! The same for operations.

use super::{Exported, driver, parse_facts, report_panics};
use crate::bindings::operations::exports::headgate::plugin::operations;
use crate::json::Value;
use crate::{Forecast, Operation, Operations, Progress, Result, Subject, json};

impl<P: Operations> operations::Guest for Exported<P> {
    fn list_operations(facts: Option<String>) -> Vec<Operation> {
        report_panics();
        P::list_operations(facts.as_deref().map(parse_facts).as_ref())
    }

    fn preview(name: String, subject: Subject, input: String) -> Result<Forecast> {
        let input = parse_input(&name, &input)?;
        driver(|driver: &mut P| driver.preview(&name, &subject, &input))
    }

    fn run(name: String, subject: Subject, input: String, operation_id: String) -> Result<Progress> {
        let input = parse_input(&name, &input)?;
        driver(|driver: &mut P| driver.run(&name, &subject, &input, &operation_id))
    }

    fn poll(handle: String) -> Result<Progress> {
        driver(|driver: &mut P| driver.poll(&handle))
    }

    fn cancel(handle: String) -> Result<()> {
        driver(|driver: &mut P| driver.cancel(&handle))
    }
}

fn parse_input(name: &str, text: &str) -> Result<Value> {
    json::parse(text, &format!("read the input of {name}"))
}
