//! Login files as Apache's users have them, and as they should not.

use std::path::PathBuf;

use super::*;

fn users(text: &str) -> Users {
    match parse("jaas.conf", text, "Server") {
        Ok(Login::DigestMd5(users)) => users,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_file_of_apaches_documentation_is_read() {
    let text = r#"
        /* the users */
        Server {
               org.apache.zookeeper.server.auth.DigestLoginModule required
               user_super="adminsecret"
               user_bob="bobsecret";
        };
        // not ours
        Client {
               org.apache.zookeeper.server.auth.DigestLoginModule required
               username="bob" password="bobsecret";
        };
    "#;
    let users = users(text);
    assert_eq!(users.password("super"), Some("adminsecret"));
    assert_eq!(users.password("bob"), Some("bobsecret"));
    assert_eq!(users.password("eve"), None);
    assert!(!format!("{users:?}").contains("secret"));
}

/// As Java 17 reads it.
#[test]
fn names_and_passwords_can_be_anything() {
    let text = r#"Server { X required user_plain=word
        "user_qu\"ote"="pa\"ss\\word" user_back="a\\b" user_ünï="pässwörd" user_t="\t\101\7x"; };"#;
    let users = users(text);
    let expected = [
        ("plain", "word"),
        ("qu\"ote", "pa\"ss\\word"),
        ("back", "a\\b"),
        ("ünï", "pässwörd"),
        ("t", "\tA\u{7}x"),
    ];
    for (user, password) in expected {
        assert_eq!(users.password(user), Some(password), "{user}");
    }
}

#[test]
fn users_may_stand_in_several_modules_and_sections_under_any_name() {
    let text = "A{M required user_a=1;M optional user_b=2;};B{M required user_c=3;};";
    let Login::DigestMd5(users) = parse("f", text, "A").unwrap() else { panic!() };
    assert!(users.password("a").is_some() && users.password("b").is_some());
    assert!(users.password("c").is_none());
    assert!(matches!(parse("f", text, "B"), Ok(Login::DigestMd5(_))));
}

#[test]
fn kerberos_is_a_keytab_and_a_principal() {
    let text = r#"Server {
        com.sun.security.auth.module.Krb5LoginModule required
        useKeyTab=true storeKey=true useTicketCache=false
        keyTab="/etc/zk.keytab" principal="zookeeper/zk1.example.com@EXAMPLE.COM";
    };"#;
    let Login::Kerberos(login) = parse("f", text, "Server").unwrap() else { panic!() };
    assert_eq!(login.keytab, Some(PathBuf::from("/etc/zk.keytab")));
    assert_eq!(login.principal.as_deref(), Some("zookeeper/zk1.example.com@EXAMPLE.COM"));
    let any = r#"Server { com.sun.security.auth.module.Krb5LoginModule required principal="*"; };"#;
    let Login::Kerberos(login) = parse("f", any, "Server").unwrap() else { panic!() };
    assert_eq!(login, KerberosLogin::default());
}

#[test]
fn what_cannot_be_used_is_named_with_its_line_and_no_password() {
    let cases = [
        ("", 1, "no section"),
        ("Client { M required user_a=b; };", 1, "no section"),
        ("Server {\n M required\n option=x; };", 3, "knows nobody"),
        ("Server { };", 1, "knows nobody"),
        ("Server {\n M required user_a=\"hush\n;};", 2, "no end"),
        ("Server {\n\n M required user_a=\"hush\"", 3, "the file ends"),
        ("Server { M required user_a \"hush\"; };", 1, "out of place"),
        ("Server { M required user_a=hush }", 1, "out of place"),
        ("Server { M required user_a=\"${hush}\"; };", 1, "${"),
        ("Server ; {", 1, "out of place"),
        ("/* hush", 1, "no end"),
        ("Server { M required user_a=b; }", 1, "the file ends"),
    ];
    for (text, line, problem) in cases {
        let error = parse("jaas.conf", text, "Server").unwrap_err().to_string();
        assert!(error.starts_with(&format!("jaas.conf:{line}: ")), "{text}: {error}");
        assert!(error.contains(problem) && !error.contains("hush"), "{text}: {error}");
    }
}
