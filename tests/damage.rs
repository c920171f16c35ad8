//! Hurt files of every kind, some hundred a reader: none panics, and each is read or refused.

#[path = "common/damage.rs"]
mod damage;
#[path = "common/small.rs"]
mod small;
#[path = "common/workbook.rs"]
mod workbook;

#[test]
fn hurt_files_are_read_or_refused() {
    let folder = std::env::temp_dir().join(format!("bullwhip-damage-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    for (k, reader) in damage::readers(&folder).iter().enumerate() {
        let counts = damage::try_hurt(reader, &folder, 7 + k as u64, |tried| tried >= 400);
        println!("{}", counts.line(reader.name));
        assert_eq!(counts.panics, 0, "{}", reader.name);
        assert!(counts.refused > 0, "{}: damage is seen", reader.name);
    }
    std::fs::remove_dir_all(&folder).expect("removed");
}
