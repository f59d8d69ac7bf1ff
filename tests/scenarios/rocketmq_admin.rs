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
    // A line for each broker that has it.
    let told = || cluster.mqadmin(&["getConsumerConfig", "-g", &name]);
    let has = |printed: &str, part: &str| printed.matches(part).count();

    wish("retry_max_times: 3")?;
    let made = told()?;
    assert_eq!(has(&made, &format!("groupName={name},")), 2, "{made}");
    assert_eq!(has(&made, "retryMaxTimes=3,"), 2, "{made}");
    wish("retry_max_times: 5, consume_broadcast_enable: false")?;
    let changed = told()?;
    assert_eq!(has(&changed, "retryMaxTimes=5,"), 2, "{changed}");
    assert_eq!(has(&changed, "consumeBroadcastEnable=false,"), 2, "{changed}");

    for group in ["group:broker-a", "group:broker-b"] {
        let delete = ["delete", "consumer-group-config", &name, "-c", "mq", "--at", group, "--yes"];
        host.cli(&[&delete[..], &["--allow-destructive"]].concat())?.ok()?;
    }
    let gone = told()?;
    assert_eq!(has(&gone, &format!("groupName={name},")), 0, "{gone}");
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
    let value = |printed: &str, key: &str| {
        let line = printed.lines().find(|line| line.split('=').next().is_some_and(|name| name.trim() == key));
        line.and_then(|line| line.split('=').nth(1)).map(|value| value.trim().to_owned())
    };
    set("broker", "broker-a:0", "fileReservedTime: '48'")?;
    let broker = cluster.mqadmin(&["getBrokerConfig", "-b", &cluster.address("broker-a")?])?;
    assert_eq!(value(&broker, "fileReservedTime").as_deref(), Some("48"), "{broker}");
    assert_eq!(value(&broker, "deleteWhen").as_deref(), Some("04"), "nobody spoke of it: {broker}");

    set("name-server", cluster.name_servers()?, "scanNotActiveBrokerInterval: '6000'")?;
    let server = cluster.mqadmin(&["getNamesrvConfig"])?;
    assert_eq!(value(&server, "scanNotActiveBrokerInterval").as_deref(), Some("6000"), "{server}");
    Ok(())
}
