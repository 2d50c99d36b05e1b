#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (zk_fuzz_decoders::target("key_store").run)(data));
