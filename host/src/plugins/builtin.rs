//! The plugins that the binary carries.

/// Name and component.
pub fn builtin() -> Vec<(&'static str, &'static [u8])> {
    vec![
        ("kafka", include_bytes!(concat!(env!("OUT_DIR"), "/kafka.wasm"))),
        ("rocketmq", include_bytes!(concat!(env!("OUT_DIR"), "/rocketmq.wasm"))),
        ("zookeeper", include_bytes!(concat!(env!("OUT_DIR"), "/zookeeper.wasm"))),
        ("etcd", include_bytes!(concat!(env!("OUT_DIR"), "/etcd.wasm"))),
    ]
}
