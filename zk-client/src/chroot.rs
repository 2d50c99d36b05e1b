//! A client may live in a subtree that it takes for the whole. This is the only place that knows.

use std::borrow::Cow;
use std::sync::Arc;

// The same node for every client, whatever its chroot.
use zk_proto::ensemble::CONFIG_NODE;

/// The subtree a client lives in; the whole tree by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chroot(Option<Arc<str>>);

impl Chroot {
    /// A chroot of a valid path; `/` and `None` are the whole tree.
    pub(crate) fn new(path: Option<&str>) -> Self {
        Self(path.filter(|path| *path != "/").map(Arc::from))
    }

    /// The subtree at a valid path of this one.
    pub(crate) fn below(&self, path: &str) -> Self {
        if path == "/" { self.clone() } else { Self(Some(self.to_server(path).into())) }
    }

    /// Where a path of the application is on the server.
    pub(crate) fn to_server<'a>(&self, path: &'a str) -> Cow<'a, str> {
        match &self.0 {
            None => Cow::Borrowed(path),
            Some(_) if path == CONFIG_NODE => Cow::Borrowed(path),
            Some(root) if path == "/" => Cow::Owned(root.to_string()),
            Some(root) => Cow::Owned(format!("{root}{path}")),
        }
    }

    /// What a path of the server is to the application. A path outside the chroot, which only the
    /// ensemble's configuration can be, stays as it is.
    pub(crate) fn to_client<'a>(&self, path: &'a str) -> &'a str {
        let Some(root) = &self.0 else {
            return path;
        };
        match path.strip_prefix(root.as_ref()) {
            Some("") => "/",
            Some(rest) if rest.starts_with('/') => rest,
            _ => path,
        }
    }

    /// Whether a path of the server is within reach of the application.
    pub(crate) fn contains(&self, path: &str) -> bool {
        let Some(root) = &self.0 else {
            return true;
        };
        path.strip_prefix(root.as_ref())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn without_a_chroot_paths_stay() {
        for root in [Chroot::new(None), Chroot::new(Some("/"))] {
            assert_eq!(root.to_server("/a"), "/a");
            assert_eq!(root.to_client("/a"), "/a");
        }
    }

    #[test]
    fn the_root_is_the_chroot_itself() {
        let root = Chroot::new(Some("/app"));
        assert_eq!(root.to_server("/"), "/app");
        assert_eq!(root.to_client("/app"), "/");
    }

    #[test]
    fn a_sibling_with_the_same_start_is_not_inside() {
        assert_eq!(Chroot::new(Some("/app")).to_client("/apple/x"), "/apple/x");
    }

    #[test]
    fn a_chroot_in_a_chroot_adds_up() {
        let root = Chroot::new(Some("/app")).below("/x/y");
        assert_eq!(root.to_server("/a"), "/app/x/y/a");
        assert_eq!(root.below("/"), root);
        assert_eq!(Chroot::default().below("/app"), Chroot::new(Some("/app")));
    }

    #[test]
    fn the_configuration_is_the_same_for_all() {
        let root = Chroot::new(Some("/app"));
        assert_eq!(root.to_server(CONFIG_NODE), CONFIG_NODE);
        assert_eq!(root.to_client(CONFIG_NODE), CONFIG_NODE);
    }

    proptest! {
        #[test]
        fn the_way_back_leads_to_the_same_path(
            root in "(/[a-z]{1,3}){0,3}", path in "(/[a-z]{1,3}){1,4}|/",
        ) {
            let chroot = Chroot::new((!root.is_empty()).then_some(&root));
            let there = chroot.to_server(&path);
            prop_assert_eq!(chroot.to_client(&there), path.as_str());
        }
    }
}
