//! Servers of an ensemble, and one that is alone.

use super::*;

#[test]
fn an_ensemble_is_refused_with_a_way_out() {
    let two = "server.1=a:2888:3888\nserver.2=b:2888:3888:observer";
    for lines in [two, "server.1=a:2888:3888:observer"] {
        let error = refused(lines);
        assert!(error.contains("zoo.cfg:3: the ") && error.contains("not built yet"), "{error}");
    }
    assert!(refused("server.1=a:2888").contains("expected host:port:port"));
    assert!(refused("dynamicConfigFile=x").contains("`x`: it is not read here"));
}

#[test]
fn a_server_that_is_alone_runs_standalone() {
    let only = "dataDir=/d\nserver.7=localhost:2888:3888;127.0.0.1:2999\ngroup.1=7\n";
    let alone = parse("zoo.cfg", only).unwrap();
    assert_eq!(alone.config.client_port, Some(2999));
    assert_eq!(alone.config.client_port_address.as_deref(), Some("127.0.0.1"));
    assert_eq!(alone.warnings.len(), 2);
    assert!(alone.warnings[1].message.starts_with("`server.7` is the only server"));
    let anywhere = parse("zoo.cfg", "dataDir=/d\nserver.1=zk:2888:3888;2181").unwrap().config;
    assert_eq!((anywhere.client_port, anywhere.client_port_address), (Some(2181), None));
    let both = parsed("server.1=zk:2888:3888;2999\nstandaloneEnabled=false");
    assert_eq!(both.config.client_port, Some(2181), "the file's own");
    let messages: Vec<_> = both.warnings.iter().map(ToString::to_string).collect();
    assert!(messages[0].contains("`standaloneEnabled=false` has no effect"), "{messages:?}");
    assert!(messages[2].contains("2999 gives way to `clientPort`"), "{messages:?}");
    let error = parse("zoo.cfg", "dataDir=/d\nserver.1=zk:2888:3888\n").unwrap_err();
    assert!(error.to_string().contains("clientPort is missing"), "{error}");
}

#[test]
fn servers_can_be_named_in_a_file_of_their_own() {
    let text = "dataDir=/d\ndynamicConfigFile=/etc/zoo.cfg.dynamic.100000000\n";
    let read = |members: &'static str| {
        parse_all("zoo.cfg", text, &mut |path| {
            assert_eq!(path, "/etc/zoo.cfg.dynamic.100000000");
            Ok(members.to_owned())
        })
    };
    let one = "server.1=localhost:2888:3888:participant;0.0.0.0:2181\n";
    assert_eq!(read(one).unwrap().config.client_port, Some(2181));
    for (members, problem) in [
        ("", "names no server"),
        ("server.1=x", "is not a line"),
        ("server.1=a:1:2\nserver.2=b:1:2", "the 2 servers"),
    ] {
        let error = read(members).unwrap_err()[0].to_string();
        assert!(error.starts_with("zoo.cfg:2: ") && error.contains(problem), "{error}");
    }
    let both = format!("{text}server.1=a:1:2\n");
    let error = parse_all("zoo.cfg", &both, &mut |_| Ok(String::new())).unwrap_err();
    assert!(error[0].to_string().contains("zoo.cfg:3: `dynamicConfigFile` names"), "{error:?}");
}
