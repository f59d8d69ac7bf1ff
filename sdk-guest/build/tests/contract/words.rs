//! Types as WIT writes them.

use wit_parser::{Handle, Resolve, Type, TypeDefKind};

pub(crate) fn named(contract: &Resolve, of: &Type) -> String {
    let Type::Id(id) = of else { return primitive(of).to_owned() };
    let definition = &contract.types[*id];
    if let Some(name) = &definition.name {
        return name.clone();
    }
    let inner = |of: &Type| named(contract, of);
    match &definition.kind {
        TypeDefKind::List(of) => format!("list<{}>", inner(of)),
        TypeDefKind::Option(of) => format!("option<{}>", inner(of)),
        TypeDefKind::Tuple(tuple) => {
            format!("tuple<{}>", tuple.types.iter().map(inner).collect::<Vec<_>>().join(", "))
        }
        TypeDefKind::Result(result) => {
            let part = |of: &Option<Type>| of.as_ref().map_or_else(|| "_".to_owned(), inner);
            format!("result<{}, {}>", part(&result.ok), part(&result.err))
        }
        TypeDefKind::Handle(Handle::Borrow(id)) => format!("borrow<{}>", inner(&Type::Id(*id))),
        TypeDefKind::Handle(Handle::Own(id)) => inner(&Type::Id(*id)),
        TypeDefKind::Type(of) => inner(of),
        other => other.as_str().to_owned(),
    }
}

fn primitive(of: &Type) -> &'static str {
    match of {
        Type::Bool => "bool",
        Type::U8 => "u8",
        Type::U16 => "u16",
        Type::U32 => "u32",
        Type::U64 => "u64",
        Type::S8 => "s8",
        Type::S16 => "s16",
        Type::S32 => "s32",
        Type::S64 => "s64",
        Type::F32 => "f32",
        Type::F64 => "f64",
        Type::Char => "char",
        Type::String => "string",
        Type::ErrorContext => "error-context",
        Type::Id(_) => "",
    }
}
