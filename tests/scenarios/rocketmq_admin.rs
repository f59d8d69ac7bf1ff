//! Configurations of RocketMQ's groups, brokers and name servers: set as wished, and RocketMQ's own tool is the judge.

use anyhow::Result;
use headgate_tests::{Database, RocketMq, for_each_database};

use crate::rocketmq::registered;
use crate::topics::{apply, own};

for_each_database!(
    a_group_s_configuration_is_made_changed_and_deleted,
    a_server_s_configuration_is_set_key_by_key,
);

fn a_group_s_configuration_is_made_changed_and_deleted(database: &Database) -> Result<()> {
    let cluster = RocketMq::shared()?;
    let host = registered(database, cluster)?;
    let name = own("readers", database).replace('.', "-");
    let wish = |spec: &str| {
        apply(&host, &format!("cluster: mq\ntype: consumer-group-config\nname: {name}\nspec: {{{spec}}}\n"))
    };
    let told = || cluster.mqadmin(&["getConsumerConfig", "-g", &name]);

    wish("retry_max_times: 3")?;
    let made = told()?;
    assert_eq!(values(&made, "groupName"), [&name, &name], "on both brokers: {made}");
    assert_eq!(values(&made, "retryMaxTimes"), ["3", "3"], "{made}");
    wish("retry_max_times: 5, consume_broadcast_enable: false")?;
    let changed = told()?;
    assert_eq!(values(&changed, "retryMaxTimes"), ["5", "5"], "{changed}");
    assert_eq!(values(&changed, "consumeBroadcastEnable"), ["false", "false"], "{changed}");

    for group in ["group:broker-a", "group:broker-b"] {
        let delete = ["delete", "consumer-group-config", &name, "-c", "mq", "--at", group, "--yes"];
        host.cli(&[&delete[..], &["--allow-destructive"]].concat())?.ok()?;
    }
    let gone = told()?;
    assert_eq!(values(&gone, "groupName"), [""; 0], "{gone}");
    Ok(())
}

fn a_server_s_configuration_is_set_key_by_key(database: &Database) -> Result<()> {
    // Its own cluster: what a server is told counts for every test on it.
    let cluster = RocketMq::masters(1)?;
    let host = registered(database, &cluster)?;
    let set = |kind: &str, node: &str, setting: &str| {
        apply(
            &host,
            &format!(
                "cluster: mq\ntype: {kind}-config\nname: {kind}\nat: node:{node}\nspec: {{config: {{{setting}}}}}\n"
            ),
        )
    };
    set("broker", "broker-a:0", "fileReservedTime: '48'")?;
    let broker = cluster.mqadmin(&["getBrokerConfig", "-b", &cluster.address("broker-a")?])?;
    assert_eq!(values(&broker, "fileReservedTime"), ["48"], "{broker}");
    assert_eq!(values(&broker, "deleteWhen"), ["04"], "nobody spoke of it: {broker}");

    set("name-server", cluster.name_servers()?, "scanNotActiveBrokerInterval: '6000'")?;
    let server = cluster.mqadmin(&["getNamesrvConfig"])?;
    assert_eq!(values(&server, "scanNotActiveBrokerInterval"), ["6000"], "{server}");
    Ok(())
}

/// What the tool printed as `key = value`, once for each server that it asked.
fn values<'a>(printed: &'a str, key: &str) -> Vec<&'a str> {
    let pairs = printed.lines().filter_map(|line| line.split_once('='));
    pairs.filter(|(name, _)| name.trim() == key).map(|(_, value)| value.trim()).collect()
}
