//! Where functions lie in the program. Those that every box runs all the time lie side by side, so that the
//! memory of an idle program is what it uses, and not the neighbourhood of it: with them it maps 1.9 MiB of
//! code, without 6.4. `cargo xtask order` writes the list.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Has the linker (lld, or GNU ld) put the functions of `order.txt` first. Only in what is shipped: tests are
/// linked often, and their memory is nobody's concern.
pub(crate) fn apply(crate_dir: &Path, out_dir: &Path) -> Result<(), Box<dyn Error>> {
    let order = crate_dir.join("build/order.txt");
    println!("cargo::rerun-if-changed={}", order.display());
    println!("cargo::rerun-if-changed=build/layout.rs");
    if std::env::var("PROFILE").as_deref() != Ok("release") {
        return Ok(());
    }
    let script = out_dir.join("layout.ld");
    fs::write(&script, commands(&fs::read_to_string(order)?))?;
    println!("cargo::rustc-link-arg-bins=-Wl,-T,{}", script.display());
    // The table of relocations, which the loader reads whole: 0.6 MiB become 20 KiB. glibc has known this
    // form since 2.36, musl since 1.2.4.
    println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    Ok(())
}

/// A linker script that adds one output section and leaves all others as they are.
fn commands(order: &str) -> String {
    let mut script = "SECTIONS {\n  .text.first : {\n".to_owned();
    for function in order.lines() {
        // Writing to a string does not fail.
        let _ = writeln!(script, "    *(.text.{function} .text.unlikely.{function})");
    }
    script.push_str("  }\n} INSERT BEFORE .text;\n");
    script
}
