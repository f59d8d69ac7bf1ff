//! Types that two versions of the contract have alike, turned into each other.

/// What another version calls the same.
pub(super) trait Same<T> {
    fn same(self) -> T;
}

impl<T, U> Same<Vec<U>> for Vec<T>
where
    T: Same<U>,
{
    fn same(self) -> Vec<U> {
        self.into_iter().map(Same::same).collect()
    }
}

impl<T, U> Same<Option<U>> for Option<T>
where
    T: Same<U>,
{
    fn same(self) -> Option<U> {
        self.map(Same::same)
    }
}

impl<T, U, E, F> Same<Result<U, F>> for Result<T, E>
where
    T: Same<U>,
    E: Same<F>,
{
    fn same(self) -> Result<U, F> {
        self.map(Same::same).map_err(Same::same)
    }
}

impl<A, B, C, D> Same<(C, D)> for (A, B)
where
    A: Same<C>,
    B: Same<D>,
{
    fn same(self) -> (C, D) {
        (self.0.same(), self.1.same())
    }
}

macro_rules! itself {
    ($($of:ty),*) => {
        $(impl Same<$of> for $of {
            fn same(self) -> $of {
                self
            }
        })*
    };
}

itself!(bool, u32, u64, String, crate::plugins::bindings::headgate::host::errors::Error);

/// Records by their fields, enums by their cases, variants by their cases with what they hold (`Case(_)`). A field or case that
/// one of the two lacks does not compile.
macro_rules! alike {
    ($($from:path => $to:path { $($shape:tt)* })*) => {
        $(alike!(@ $from, $to, $($shape)*);)*
    };
    (@ $from:path, $to:path, $($field:ident),*) => {
        impl Same<$to> for $from {
            fn same(self) -> $to {
                let Self { $($field),* } = self;
                $to { $($field: $field.same()),* }
            }
        }
    };
    (@ $from:path, $to:path, $(| $case:ident $(($held:ident))?)*) => {
        impl Same<$to> for $from {
            fn same(self) -> $to {
                match self {
                    $(Self::$case $(($held))? => <$to>::$case $(($held.same()))?),*
                }
            }
        }
    };
}

pub(super) use alike;
