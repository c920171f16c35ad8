//! Names of industrial classes: NACE Rev. 2 and ISIC Rev. 4, whose divisions are the same, and CPA.

use super::sector_code;

/// Codes and short names of sections and divisions.
const NAMES: [(&str, &str); 109] = [
    ("A", "agriculture, forestry and fishing"),
    ("A01", "agriculture"),
    ("A02", "forestry"),
    ("A03", "fishing"),
    ("B", "mining"),
    ("B05", "coal mining"),
    ("B06", "oil and gas extraction"),
    ("B07", "metal ore mining"),
    ("B08", "other mining"),
    ("B09", "mining support"),
    ("C", "manufacturing"),
    ("C10", "food"),
    ("C11", "beverages"),
    ("C12", "tobacco"),
    ("C13", "textiles"),
    ("C14", "clothing"),
    ("C15", "leather and shoes"),
    ("C16", "wood"),
    ("C17", "paper"),
    ("C18", "printing"),
    ("C19", "coke and refined petroleum"),
    ("C20", "chemicals"),
    ("C21", "pharmaceuticals"),
    ("C22", "rubber and plastics"),
    ("C23", "glass, ceramics and cement"),
    ("C24", "basic metals"),
    ("C25", "metal products"),
    ("C26", "electronics and optics"),
    ("C27", "electrical equipment"),
    ("C28", "machinery"),
    ("C29", "motor vehicles"),
    ("C30", "other transport equipment"),
    ("C31", "furniture"),
    ("C32", "other manufacturing"),
    ("C33", "repair of machinery"),
    ("D", "electricity and gas"),
    ("D35", "electricity and gas"),
    ("E", "water and waste"),
    ("E36", "water"),
    ("E37", "sewerage"),
    ("E38", "waste"),
    ("E39", "remediation"),
    ("F", "construction"),
    ("F41", "buildings"),
    ("F42", "civil engineering"),
    ("F43", "specialised construction"),
    ("G", "trade"),
    ("G45", "trade of motor vehicles"),
    ("G46", "wholesale"),
    ("G47", "retail"),
    ("H", "transport and storage"),
    ("H49", "land transport"),
    ("H50", "water transport"),
    ("H51", "air transport"),
    ("H52", "storage"),
    ("H53", "post"),
    ("I", "hotels and restaurants"),
    ("I55", "hotels"),
    ("I56", "restaurants"),
    ("J", "information and communication"),
    ("J58", "publishing"),
    ("J59", "film and music"),
    ("J60", "broadcasting"),
    ("J61", "telecommunications"),
    ("J62", "software"),
    ("J63", "information services"),
    ("K", "finance and insurance"),
    ("K64", "finance"),
    ("K65", "insurance"),
    ("K66", "auxiliary finance"),
    ("L", "real estate"),
    ("L68", "real estate"),
    ("M", "professional services"),
    ("M69", "law and accounting"),
    ("M70", "head offices and consultancy"),
    ("M71", "architecture and engineering"),
    ("M72", "research"),
    ("M73", "advertising"),
    ("M74", "other professional services"),
    ("M75", "veterinary"),
    ("N", "administrative services"),
    ("N77", "renting"),
    ("N78", "employment agencies"),
    ("N79", "travel agencies"),
    ("N80", "security"),
    ("N81", "services to buildings"),
    ("N82", "office services"),
    ("O", "public administration"),
    ("O84", "public administration"),
    ("P", "education"),
    ("P85", "education"),
    ("Q", "health and social work"),
    ("Q86", "health"),
    ("Q87", "residential care"),
    ("Q88", "social work"),
    ("R", "arts and recreation"),
    ("R90", "arts"),
    ("R91", "libraries and museums"),
    ("R92", "gambling"),
    ("R93", "sports"),
    ("S", "other services"),
    ("S94", "membership organisations"),
    ("S95", "repair of household goods"),
    ("S96", "personal services"),
    ("T", "households as employers"),
    ("T97", "domestic staff"),
    ("T98", "own use of households"),
    ("U", "international organisations"),
    ("U99", "international organisations"),
];

/// The code of a section or division with its short name: "C29 motor vehicles"; of a range or a letter more, such as
/// `C10-C12` and `L68A`, the name of the first. What is no such code comes back as it is.
///
/// ```
/// use bullwhip::prelude::*;
///
/// assert_eq!(sector_name("CPA_C29"), "C29 motor vehicles");
/// assert_eq!(sector_name("C10-C12"), "C10-C12 food and others");
/// assert_eq!(sector_name("my sector"), "my sector");
/// ```
pub fn sector_name(label: &str) -> String {
    let code = sector_code(label);
    let named = |code: &str| NAMES.iter().find(|n| n.0 == code).map(|n| n.1);
    if let Some(name) = named(&code) {
        return format!("{code} {name}");
    }
    let first: String = code.chars().take(3).collect();
    let rest = &code[first.len()..];
    let whole = rest.len() == 1 && rest.bytes().all(|b| b.is_ascii_uppercase());
    let range = rest.starts_with('-') && rest[1..].starts_with(|c: char| c.is_ascii_uppercase());
    match named(&first) {
        Some(name) if whole => format!("{code} {name}"),
        Some(name) if range => format!("{code} {name} and others"),
        _ => code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_division_has_a_name_of_its_own_code() {
        for (code, name) in NAMES {
            assert_eq!(sector_code(code), code);
            assert!(!name.is_empty());
        }
        assert_eq!(sector_name("D"), "D electricity and gas");
        assert_eq!(sector_name("L68A"), "L68A real estate");
        assert_eq!(sector_name(""), "");
        assert_eq!(sector_name("Cars"), "Cars");
        assert_eq!(sector_name("éà"), "éà");
    }
}
