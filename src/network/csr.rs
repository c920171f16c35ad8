//! Which links belong to which firm: compressed rows.

/// For each firm, a list of link indices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Csr {
    /// Where each firm's list begins in `links`; one entry more than firms.
    pub start: Vec<u32>,
    /// Link indices, firm after firm.
    pub links: Vec<u32>,
}

impl Csr {
    /// Groups links by `firm_of_link`, each in 0..firms, keeping link order within a firm.
    pub fn group(firms: usize, firm_of_link: &[u32]) -> Self {
        let mut start = vec![0u32; firms + 1];
        for &f in firm_of_link {
            start[f as usize + 1] += 1;
        }
        for i in 0..firms {
            start[i + 1] += start[i];
        }
        let mut next = start.clone();
        let mut links = vec![0u32; firm_of_link.len()];
        for (e, &f) in firm_of_link.iter().enumerate() {
            links[next[f as usize] as usize] = e as u32;
            next[f as usize] += 1;
        }
        Self { start, links }
    }

    /// The links of one firm.
    pub fn of(&self, firm: usize) -> &[u32] {
        &self.links[self.start[firm] as usize..self.start[firm + 1] as usize]
    }

    /// Number of links of one firm.
    pub fn degree(&self, firm: usize) -> usize {
        (self.start[firm + 1] - self.start[firm]) as usize
    }
}
