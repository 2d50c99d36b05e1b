#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (zk_fuzz_decoders::target("log_file").run)(data));
