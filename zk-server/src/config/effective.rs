//! The settings that a server would start with, to be shown to whoever wrote the file.

use std::time::Duration;

use super::ServerConfig;

impl ServerConfig {
    /// The main settings by their keys in `zoo.cfg`, with the defaults of those that are not set.
    /// No secrets.
    #[must_use]
    pub fn effective(&self) -> Vec<(&'static str, String)> {
        let any = || "(all)".to_owned();
        let mut all = vec![("dataDir", self.data_dir.display().to_string())];
        let mut add = |key, value: String| all.push((key, value));
        let log_dir = self.data_log_dir.as_ref().unwrap_or(&self.data_dir);
        add("dataLogDir", log_dir.display().to_string());
        if let Some(port) = self.client_port {
            add("clientPort", port.to_string());
            add("clientPortAddress", self.client_port_address.clone().unwrap_or_else(any));
        }
        if let Some(port) = self.secure_client_port {
            let address = self.secure_client_port_address.clone();
            add("secureClientPort", port.to_string());
            add("secureClientPortAddress", address.unwrap_or_else(any));
        }
        if let Some(tls) = &self.tls {
            add("ssl.keyStore", format!("{:?}", tls.key_store));
            if let Some(store) = &tls.trust_store {
                add("ssl.trustStore", format!("{store:?}"));
            }
            add("ssl.clientAuth", format!("{:?}", tls.client_auth).to_lowercase());
        }
        let least = self.negotiate_timeout_ms(0);
        let most = self.negotiate_timeout_ms(i32::MAX);
        add("tickTime", ms(self.tick_time));
        add("minSessionTimeout", least.to_string());
        add("maxSessionTimeout", most.to_string());
        add("maxClientCnxns", self.max_client_cnxns.to_string());
        add("maxCnxns", self.max_cnxns.to_string());
        add("globalOutstandingLimit", self.global_outstanding_limit.to_string());
        add("4lw.commands.whitelist", self.four_letter_whitelist.to_string());
        add("extendedTypesEnabled", self.extended_types_enabled.to_string());
        add("skipACL", yes_no(self.auth.skip_acl));
        add("forceSync", yes_no(self.storage.log.force_sync));
        add("snapCount", self.storage.snapshots.txns.to_string());
        add("preAllocSize", (self.storage.log.preallocation / 1024).to_string());
        let retained = self.storage.snap_retain_count;
        add("autopurge.snapRetainCount", retained.map_or("(all)".into(), |n| n.to_string()));
        all
    }
}

fn ms(time: Duration) -> String {
    time.as_millis().to_string()
}

fn yes_no(value: bool) -> String {
    (if value { "yes" } else { "no" }).to_owned()
}
