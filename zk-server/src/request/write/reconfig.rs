//! `reconfig`, which a standalone server cannot do.

use zk_proto::ErrorCode;

use super::{Judged, Validator};

impl Validator<'_> {
    pub(super) fn reconfig(&self) -> Judged {
        if !self.settings.reconfig_enabled {
            return Err(ErrorCode::ReconfigDisabled);
        }
        self.check_session()?;
        Err(ErrorCode::Unimplemented)
    }
}
