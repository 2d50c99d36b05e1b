//! AdminServer's commands.

macro_rules! commands {
    ($($(#[$meta:meta])* $variant:ident = $name:literal $(| $alias:literal)*,)*) => {
        /// A command of AdminServer.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum AdminCommand { $($(#[$meta])* $variant,)* }

        impl AdminCommand {
            /// All of them, in the order of their names.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The first of its names, which its answer carries.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The command of this name or alias.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                match name {
                    $($name $(| $alias)* => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

commands! {
    /// The settings in force.
    Configuration = "configuration" | "conf" | "config",
    /// Lets the counters of all connections begin anew.
    ConnectionStatReset = "connection_stat_reset" | "crst",
    /// All connections.
    Connections = "connections" | "cons",
    /// Sizes of the directories.
    Dirs = "dirs",
    /// Sessions and their ephemeral nodes.
    Dump = "dump",
    /// The process's environment.
    Environment = "environment" | "env" | "envi",
    /// The trace mask.
    GetTraceMask = "get_trace_mask" | "gtmk",
    /// What the tree added up to after each 128th transaction.
    Hash = "hash",
    /// The configuration file that the server was started with, without its passwords.
    InitialConfiguration = "initial_configuration" | "icfg",
    /// Whether the server takes no writes.
    IsReadOnly = "is_read_only" | "isro",
    /// The newest snapshot.
    LastSnapshot = "last_snapshot" | "lsnp",
    /// The ensemble's leader: there is none.
    Leader = "leader" | "lead",
    /// All figures.
    Monitor = "monitor" | "mntr",
    /// Lets the counters of all observers begin anew: there are none.
    ObserverConnectionStatReset = "observer_connection_stat_reset" | "orst",
    /// The ensemble's observers: there are none.
    Observers = "observers" | "obsr",
    /// Replaces all data by those of a snapshot.
    Restore = "restore" | "rest",
    /// Is the process there?
    Ruok = "ruok",
    /// The server in short.
    ServerStats = "server_stats" | "srvr",
    /// Sets the trace mask.
    SetTraceMask = "set_trace_mask" | "stmk",
    /// All data, as a snapshot.
    Snapshot = "snapshot" | "snap",
    /// Lets the server's counters begin anew.
    StatReset = "stat_reset" | "srst",
    /// The server and its connections in short.
    Stats = "stats" | "stat",
    /// What Java calls the properties of the system.
    SystemProperties = "system_properties" | "sysp",
    /// The ensemble's members: there are none.
    VotingView = "voting_view",
    /// Watches in short.
    WatchSummary = "watch_summary" | "wchs",
    /// Watches by session.
    Watches = "watches" | "wchc",
    /// Watches by path.
    WatchesByPath = "watches_by_path" | "wchp",
    /// How far the ensemble is: there is none.
    Zabstate = "zabstate",
}

#[cfg(test)]
mod tests {
    use super::AdminCommand;

    #[test]
    fn each_name_and_alias_is_its_commands() {
        for command in AdminCommand::ALL {
            assert_eq!(AdminCommand::named(command.name()), Some(*command));
        }
        assert_eq!(AdminCommand::named("lsnp"), Some(AdminCommand::LastSnapshot));
        assert_eq!(AdminCommand::named("SRVR"), None);
        let names: Vec<_> = AdminCommand::ALL.iter().map(|command| command.name()).collect();
        assert!(names.is_sorted());
    }
}
