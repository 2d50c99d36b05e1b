//! Changing the members of an ensemble.

use crate::codec::record;

record! {
    /// Changes the members of an ensemble. Since 3.5.0; answered with a
    /// [`GetDataResponse`](crate::GetDataResponse) that holds the new configuration.
    #[derive(Copy)]
    pub struct ReconfigRequest<'a> {
        /// Servers to add or change, `server.N=…` separated by commas.
        pub joining_servers: Option<&'a str>,
        /// Ids of servers to remove, separated by commas.
        pub leaving_servers: Option<&'a str>,
        /// All members, for a full replacement.
        pub new_members: Option<&'a str>,
        /// The configuration version that must be in force; -1 for any.
        pub current_config_id: i64,
    }
}
