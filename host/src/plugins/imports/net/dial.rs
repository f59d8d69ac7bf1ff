//! Connecting: the grant by name, the name's addresses, the grant by address, then TCP.
//!
//! Where a rule of the cluster gives an outside address, that is what is looked at from the first step on.
//!
//! Invariant: what is connected to is an address that was checked, never a name that is looked up again.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::tls;
use crate::domain::address::AddressMap;
use crate::plugins::bindings::headgate::host::errors::ErrorKind;
use crate::plugins::bindings::headgate::host::secrets::Tls;
use crate::plugins::grants::address::refused_range;
use crate::plugins::grants::{NetworkPolicy, Verdict, same_class};
use crate::plugins::imports::HostError;
use crate::plugins::imports::secrets::SecretBox;
use crate::plugins::limits::{
    HOST_CONNECTIONS_MAX, NAMES_MAX, PLUGIN_CONNECTIONS_MAX, SESSION_CONNECTIONS_MAX,
};

/// An address that does not answer gives way to the name's next one after this.
const NEXT_ADDRESS: Duration = Duration::from_secs(3);

/// Connections that may still be opened: by one plugin over all of its sessions, and by all plugins together.
#[derive(Clone)]
pub(in crate::plugins) struct Places {
    plugin: Arc<Semaphore>,
    host: Arc<Semaphore>,
}

impl Default for Places {
    fn default() -> Self {
        let semaphore = |count| Arc::new(Semaphore::new(count));
        Self { plugin: semaphore(PLUGIN_CONNECTIONS_MAX), host: semaphore(HOST_CONNECTIONS_MAX) }
    }
}

impl Places {
    /// Those of another plugin of the same host.
    pub(in crate::plugins) fn of_another(&self) -> Self {
        Self { host: Arc::clone(&self.host), ..Self::default() }
    }
}

/// Held for as long as a connection is.
pub(in crate::plugins::imports) type Taken = [OwnedSemaphorePermit; 3];

/// The form's fields that hold the trusted authorities and the client's certificate.
type TlsNames = (Option<String>, Option<String>);

/// What a name stands for, as the system says.
type Lookup = fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;

pub(in crate::plugins) struct Dialer {
    policy: NetworkPolicy,
    /// The cluster's rules.
    rules: AddressMap,
    lookup: Lookup,
    /// Addresses of names, from the first look-up on; forgotten where none of them answers.
    pins: Mutex<HashMap<String, Vec<IpAddr>>>,
    tls: Mutex<HashMap<TlsNames, Arc<ClientConfig>>>,
    session: Arc<Semaphore>,
    places: Places,
}

impl Dialer {
    pub(in crate::plugins) fn new(policy: NetworkPolicy, rules: AddressMap, places: Places) -> Self {
        Self {
            policy,
            rules,
            lookup: system,
            pins: Mutex::default(),
            tls: Mutex::default(),
            session: Arc::new(Semaphore::new(SESSION_CONNECTIONS_MAX)),
            places,
        }
    }

    /// By the address that the plugin knows: its outside one is dialled where there is one.
    pub(in crate::plugins::imports) async fn dial(
        &self,
        host: &str,
        port: u16,
    ) -> Result<(TcpStream, Taken), HostError> {
        let Some((outside, other)) = self.rules.picked(host, port) else {
            return self.dial_picked(host, port).await;
        };
        self.dial_picked(&outside, other).await.map_err(|error| {
            error.with(|message| {
                format!("{message}; that is the outside address of {host}:{port} by the cluster's rules")
            })
        })
    }

    /// Only what the name says: where a tape is played nothing is dialled.
    pub(in crate::plugins::imports) fn check(&self, host: &str, port: u16) -> Result<(), HostError> {
        let (host, port) = self.rules.picked(host, port).unwrap_or_else(|| (host.to_owned(), port));
        if self.policy.by_name(&host, port) == Verdict::Denied {
            return Err(HostError::new(ErrorKind::PermissionDenied, self.policy.denial(&host, port)));
        }
        Ok(())
    }

    pub(in crate::plugins::imports) fn lends_wasi_http(&self) -> Result<(), String> {
        self.policy.lends_wasi_http()
    }

    /// For who waited in vain: the address that the plugin knows, and the one that was dialled.
    pub(in crate::plugins::imports) fn shown(&self, host: &str, port: u16) -> String {
        match self.rules.picked(host, port) {
            Some((outside, other)) => format!("{host}:{port} by its outside address {outside}:{other}"),
            None => format!("{host}:{port}"),
        }
    }

    async fn dial_picked(&self, host: &str, port: u16) -> Result<(TcpStream, Taken), HostError> {
        let verdict = self.policy.by_name(host, port);
        if verdict == Verdict::Denied {
            return Err(HostError::new(ErrorKind::PermissionDenied, self.policy.denial(host, port)));
        }
        let taken = self.take_places()?;
        let addresses = self.resolve(host).await?;
        let addresses = self.permitted(host, port, addresses, verdict).await?;
        let stream = self.try_each(host, port, &addresses).await?;
        Ok((stream, taken))
    }

    fn take_places(&self) -> Result<Taken, HostError> {
        let take = |semaphore: &Arc<Semaphore>, whose: &str, count: usize| {
            Arc::clone(semaphore).try_acquire_owned().map_err(|_none_left| {
                let text = format!("{whose} has {count} connections open, the most that is allowed");
                HostError::new(ErrorKind::Exhausted, text)
            })
        };
        Ok([
            take(&self.session, "the session", SESSION_CONNECTIONS_MAX)?,
            take(&self.places.plugin, "the plugin", PLUGIN_CONNECTIONS_MAX)?,
            take(&self.places.host, "the host", HOST_CONNECTIONS_MAX)?,
        ])
    }

    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, HostError> {
        if let Some(pinned) = self.pins.lock().unwrap_or_else(PoisonError::into_inner).get(host) {
            return Ok(pinned.clone());
        }
        let found = (self.lookup)(host.to_owned()).await.map_err(|failed| {
            let text = format!("the name {host} cannot be resolved: {failed}");
            HostError::new(ErrorKind::Unavailable, text)
        })?;
        let mut addresses: Vec<IpAddr> = Vec::new();
        for address in found {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        let mut pins = self.pins.lock().unwrap_or_else(PoisonError::into_inner);
        if pins.len() >= NAMES_MAX {
            pins.clear();
        }
        Ok(pins.entry(host.to_owned()).or_insert(addresses).clone())
    }

    /// Those of the addresses that the rules let through; an error names the rule where none is left.
    async fn permitted(
        &self,
        host: &str,
        port: u16,
        addresses: Vec<IpAddr>,
        verdict: Verdict,
    ) -> Result<Vec<IpAddr>, HostError> {
        let own = match verdict {
            Verdict::IfSameClass => self.own_addresses().await,
            Verdict::Granted | Verdict::Denied => Vec::new(),
        };
        let mut refusal = format!("the name {host} has no address");
        let mut permitted = Vec::new();
        for address in addresses {
            if let Some(range) = refused_range(address) {
                refusal = format!(
                    "{host}:{port} leads to {address}, {range}: no plugin may reach it; correct the address"
                );
            } else if verdict == Verdict::IfSameClass && !same_class(&own, address) {
                refusal = format!(
                    "the cluster advertises {host}:{port} ({address}), which is of another kind than the addresses of \
                     its connection (loopback, private, public); reach it by an address of that kind or grant it"
                );
            } else {
                permitted.push(address);
            }
        }
        if permitted.is_empty() {
            return Err(HostError::new(ErrorKind::PermissionDenied, refusal));
        }
        Ok(permitted)
    }

    async fn own_addresses(&self) -> Vec<IpAddr> {
        let mut own = Vec::new();
        for host in self.policy.connection_hosts() {
            own.extend(self.resolve(&host).await.unwrap_or_default());
        }
        own
    }

    async fn try_each(&self, host: &str, port: u16, addresses: &[IpAddr]) -> Result<TcpStream, HostError> {
        let mut failure = String::new();
        for (number, address) in addresses.iter().enumerate() {
            let connect = TcpStream::connect((*address, port));
            let connected = if number + 1 < addresses.len() {
                tokio::time::timeout(NEXT_ADDRESS, connect).await.unwrap_or_else(|late| Err(late.into()))
            } else {
                connect.await
            };
            match connected {
                Ok(stream) => {
                    // Requests are whole messages: waiting to fill a packet only delays them.
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, host, port, "packets may be delayed");
                    }
                    return Ok(stream);
                }
                Err(failed) => failure = format!("cannot connect to {host}:{port} ({address}): {failed}"),
            }
        }
        // The name may mean something else by now.
        self.pins.lock().unwrap_or_else(PoisonError::into_inner).remove(host);
        Err(HostError::new(ErrorKind::Unavailable, failure))
    }

    pub(in crate::plugins::imports) async fn tls_config(
        &self,
        tls: &Tls,
        secrets: &SecretBox,
    ) -> Result<Arc<ClientConfig>, HostError> {
        let key = (tls.trust.clone(), tls.identity.clone());
        if let Some(config) = self.tls.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(config));
        }
        let trust = tls.trust.as_deref().map(|field| secrets.pem(field)).transpose()?;
        let identity = tls.identity.as_deref().map(|field| secrets.pem(field)).transpose()?;
        let config = Arc::new(tls::config(trust, identity).await?);
        self.tls.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&config));
        Ok(config)
    }
}

fn system(host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
    Box::pin(async move {
        let found = tokio::net::lookup_host((host, 0)).await?;
        Ok(found.map(|socket| socket.ip()).collect())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use serde_json::json;

    use super::*;
    use crate::domain::address::AddressRule;
    use crate::domain::contract::Grant;
    use crate::plugins::grants::{Given, builtin};

    fn dialer(bootstrap: &str) -> Dialer {
        let asked =
            [Grant::Network { host: "${connection./bootstrap}".to_owned(), ports: "1-65535".to_owned() }];
        let connection = json!({"bootstrap": bootstrap});
        let policy = NetworkPolicy::new(&asked, &builtin(&asked), &connection);
        Dialer::new(policy, AddressMap::default(), Places::default())
    }

    async fn refusal(dialer: &Dialer, host: &str, port: u16) -> (ErrorKind, String) {
        match dialer.dial(host, port).await {
            Err(HostError::Answer(error)) => (error.kind, error.message),
            Err(HostError::Trap(trap)) => panic!("trapped: {trap}"),
            Ok(_) => panic!("{host}:{port} was reached"),
        }
    }

    #[tokio::test]
    async fn a_refused_address_is_named_with_its_range_though_the_form_holds_it() {
        for host in ["169.254.169.254", "::ffff:169.254.169.254", "0.0.0.0", "fe80::1"] {
            let address = if host.contains(':') { format!("[{host}]:80") } else { format!("{host}:80") };
            let (kind, message) = refusal(&dialer(&address), host, 80).await;
            assert_eq!(kind, ErrorKind::PermissionDenied);
            assert!(message.contains("no plugin may reach it"), "{message}");
        }
    }

    #[tokio::test]
    async fn an_advertised_address_of_another_class_is_refused() {
        let (kind, message) = refusal(&dialer("127.0.0.1:1"), "10.1.2.3", 9092).await;
        assert_eq!(kind, ErrorKind::PermissionDenied);
        assert!(message.contains("advertises 10.1.2.3:9092"), "{message}");
    }

    fn mapped(rules: &[(&str, String)], granted: bool) -> Dialer {
        let asked =
            [Grant::Network { host: "${connection./bootstrap}".to_owned(), ports: "1-65535".to_owned() }];
        let rule = |(inside, outside): &(&str, String)| AddressRule {
            inside: (*inside).to_owned(),
            outside: outside.clone(),
        };
        let rules = AddressMap { rules: rules.iter().map(rule).collect(), ..AddressMap::default() };
        let connection = json!({"bootstrap": "10.1.2.3:9092"});
        let given = if granted { builtin(&asked) } else { Given::default() };
        let written = rules.rules.iter().map(|rule| rule.outside.as_str());
        let policy = NetworkPolicy::new(&asked, &given, &connection).and_written(written);
        Dialer::new(policy, rules.clone(), Places::default())
    }

    #[tokio::test]
    async fn an_inside_address_leads_to_its_outside_one_and_the_grant_is_asked_for_that() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let rules = [
            ("broker.invalid:9092", format!("127.0.0.1:{port}")),
            ("*.invalid:1", "169.254.169.254:80".to_owned()),
        ];
        mapped(&rules, true).dial("broker.invalid", 9092).await.map(drop).unwrap();
        let (kind, message) = refusal(&mapped(&rules, false), "broker.invalid", 9092).await;
        assert_eq!(kind, ErrorKind::PermissionDenied);
        assert!(
            message.contains("was not given it") && message.contains("of broker.invalid:9092 by"),
            "{message}"
        );
        assert_eq!(
            mapped(&rules, true).shown("a.invalid", 1),
            "a.invalid:1 by its outside address 169.254.169.254:80"
        );
        let (kind, message) = refusal(&mapped(&rules, true), "a.invalid", 1).await;
        assert_eq!(kind, ErrorKind::PermissionDenied);
        assert!(message.contains("no plugin may reach it") && message.contains("a.invalid:1"), "{message}");
    }

    #[tokio::test]
    async fn another_port_of_the_connections_host_is_reached() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        dialer("127.0.0.1:1").dial("127.0.0.1", port).await.map(drop).unwrap();
        let (kind, message) = refusal(&dialer("127.0.0.1:1"), "127.0.0.1", 1).await;
        assert_eq!(kind, ErrorKind::Unavailable);
        assert!(message.contains("cannot connect to 127.0.0.1:1"), "{message}");
    }

    /// A name server of the plugin's author: the first answer is harmless, the others lead to the metadata address.
    fn turning(_name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        static TURNED: AtomicBool = AtomicBool::new(false);
        let harmful = TURNED.swap(true, Ordering::Relaxed);
        let address = if harmful { [169, 254, 169, 254] } else { [127, 0, 0, 1] };
        Box::pin(async move { Ok(vec![IpAddr::from(address)]) })
    }

    #[tokio::test]
    async fn a_name_that_changes_its_meaning_keeps_its_first_and_its_next_is_checked() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let dialer = Dialer { lookup: turning, ..dialer(&format!("rebind.example:{port}")) };
        for _ in 0..2 {
            dialer.dial("rebind.example", port).await.map(drop).unwrap();
        }
        drop(listener);
        let (kind, _) = refusal(&dialer, "rebind.example", port).await;
        assert_eq!(kind, ErrorKind::Unavailable, "it was looked up again while it was pinned");
        let (kind, message) = refusal(&dialer, "rebind.example", port).await;
        assert_eq!(kind, ErrorKind::PermissionDenied);
        assert!(message.contains("leads to 169.254.169.254, a link-local address"), "{message}");
    }

    #[tokio::test]
    async fn names_without_end_are_forgotten_in_time() {
        let dialer = Dialer {
            lookup: |_| Box::pin(async { Ok(vec![IpAddr::from([127, 0, 0, 1])]) }),
            ..dialer("a:1")
        };
        for number in 0..=NAMES_MAX {
            dialer.resolve(&format!("n{number}.example")).await.map(drop).unwrap();
        }
        assert_eq!(dialer.pins.lock().unwrap().len(), 1);
    }
}
