//! Functions that are there for the linker and give nothing: an error where their type has room for one, else the end
//! of the call. Either way the plugin's log names what was called and what to use instead.

use wasmtime::StoreContextMut;
use wasmtime::component::{LinkerInstance, Resource, ResourceAny, ResourceType, Type, Val};

use super::http::Fields;
use super::io::{Failed, Input, Pollable, Stream};
use crate::plugins::bindings::headgate::host::log::Level;
use crate::plugins::guest::Guest;
use crate::plugins::imports::HostRefusal;

/// A resource behind which there is nothing.
pub(super) struct Closed;

/// How WASI's enums and variants of errors say "you may not".
const DENIALS: [&str; 5] = ["access-denied", "not-permitted", "access", "HTTP-request-denied", "closed"];

pub(super) fn link(
    linker: &mut LinkerInstance<'_, Guest>,
    interface: &str,
    name: &str,
    deciding: bool,
) -> wasmtime::Result<()> {
    let text = if deciding && !interface.starts_with(super::WASI) {
        format!("it called {interface}#{name} while it decides: then there is nothing but the log")
    } else {
        format!("it called {interface}#{name}, which is closed to plugins: {}", advice(interface))
    };
    linker.func_new(name, move |mut store, function, given, answers| {
        store.data_mut().enter("wasi")?;
        for value in given {
            release(value, &mut store)?;
        }
        store.data_mut().say(Level::Warn, text.clone());
        for (answer, kind) in answers.iter_mut().zip(function.results()) {
            *answer = denied(&kind, &mut store)?.ok_or_else(|| HostRefusal(text.clone()))?;
        }
        Ok(())
    })
}

fn advice(interface: &str) -> &'static str {
    let package = interface.split_once('/').map_or(interface, |(package, _)| package);
    match package {
        "wasi:http" => {
            "of it only the outgoing handler can be granted, and not while a plugin decides; use `http` of the contract"
        }
        "wasi:sockets" => {
            "no grant opens it; use `net` of the contract, which reaches what \
             `headgate plugin grant KIND --network HOST:PORTS` gives"
        }
        "wasi:filesystem" => "keep what must last in `state` of the contract",
        _ => "of WASI only clocks, random and standard output and error are open",
    }
}

/// Lets go of the handles that came with a call.
fn release(value: &Val, store: &mut StoreContextMut<'_, Guest>) -> wasmtime::Result<()> {
    match value {
        Val::Resource(handle) => forget(*handle, store),
        Val::List(values) | Val::Tuple(values) => values.iter().try_for_each(|value| release(value, store)),
        Val::Record(fields) => fields.iter().try_for_each(|(_, value)| release(value, store)),
        Val::Variant(_, Some(value)) | Val::Option(Some(value)) => release(value, store),
        Val::Result(Ok(Some(value)) | Err(Some(value))) => release(value, store),
        _ => Ok(()),
    }
}

fn forget(handle: ResourceAny, store: &mut StoreContextMut<'_, Guest>) -> wasmtime::Result<()> {
    fn of<T: Send + 'static>(
        handle: ResourceAny,
        store: &mut StoreContextMut<'_, Guest>,
    ) -> wasmtime::Result<()> {
        let resource: Resource<T> = handle.try_into_resource(&mut *store)?;
        if resource.owned() {
            store.data_mut().table.delete(resource)?;
        }
        Ok(())
    }
    let is = |other: ResourceType| handle.ty() == other;
    match () {
        () if is(ResourceType::host::<Closed>()) => of::<Closed>(handle, store),
        () if is(ResourceType::host::<Stream>()) => of::<Stream>(handle, store),
        () if is(ResourceType::host::<Input>()) => of::<Input>(handle, store),
        () if is(ResourceType::host::<Pollable>()) => of::<Pollable>(handle, store),
        () if is(ResourceType::host::<Failed>()) => of::<Failed>(handle, store),
        () if is(ResourceType::host::<Fields>()) => of::<Fields>(handle, store),
        () => Err(HostRefusal("it handed over what WASI does not know".to_owned()).into()),
    }
}

/// What says no in this type; `None` where nothing does. Constructors give an empty handle, so that what follows them
/// can say no.
fn denied(kind: &Type, store: &mut StoreContextMut<'_, Guest>) -> wasmtime::Result<Option<Val>> {
    Ok(match kind {
        Type::Result(result) => match result.err() {
            None => Some(Val::Result(Err(None))),
            Some(error) => denial(&error).map(|error| Val::Result(Err(Some(Box::new(error))))),
        },
        Type::Own(resource) if *resource == ResourceType::host::<Closed>() => {
            let handle = store.data_mut().table.push(Closed)?;
            Some(Val::Resource(ResourceAny::try_from_resource(handle, store)?))
        }
        Type::Option(_) => Some(Val::Option(None)),
        Type::List(_) => Some(Val::List(Vec::new())),
        Type::Bool => Some(Val::Bool(false)),
        _ => None,
    })
}

fn denial(error: &Type) -> Option<Val> {
    match error {
        Type::Enum(names) => {
            let found = DENIALS.iter().find(|denial| names.names().any(|name| name == **denial));
            found.map(|name| Val::Enum((*name).to_owned()))
        }
        Type::Variant(variant) => {
            let plain = |denial: &str| variant.cases().any(|case| case.name == denial && case.ty.is_none());
            let found = DENIALS.iter().find(|denial| plain(denial));
            found.map(|name| Val::Variant((*name).to_owned(), None))
        }
        _ => None,
    }
}
