//! Every way around the gate is a compile error, and it is the right one: the messages are pinned.

#[test]
fn no_bypass_compiles() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/compile_fail/*.rs");
}
