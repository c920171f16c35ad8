//! What suppliers and buyers of a large network tell each other, sorted so that every pass walks through
//! memory in order.
//!
//! In a network whose nodes do not fit into the cache, every link would fetch a line of its own for the
//! few bytes that its supplier's stall holds. Here every link has a letter instead, which lies in the box
//! of the buyer's part: first by *shelf*, which is some thousand suppliers in a row, then in the order of
//! the links. Suppliers write and read shelf by shelf, with a shelf's nodes in the cache; buyers write
//! and read on all shelves at once, but one letter after the other on each. Where particles stand side by side there are
//! no letters: a stall then is a line by itself, and is asked for in time.

use super::super::plan::{Layout, MOST_PARTS, Mail, SHELF};
use super::Number;
use std::ops::Range;

/// The letters to and from one part's nodes in the boxes of all parts.
pub(super) struct Desk<'a, F> {
    /// Per part that buys: its route, the first of its letters here, and the letters.
    letters: Vec<(&'a Mail, usize, &'a mut [F])>,
    /// First shelf of the nodes.
    first: usize,
}

/// Takes boxes of N numbers a letter apart, part by part of those who sell.
pub(super) fn desks<'a, F, const N: usize>(
    boxes: &'a mut [Vec<F>],
    layout: &'a Layout,
) -> impl Iterator<Item = Desk<'a, F>> {
    let mut desks: [Vec<_>; MOST_PARTS] = Default::default();
    for (letters, buyers) in boxes.iter_mut().zip(&layout.parts) {
        let Some(mail) = &buyers.mail else { continue };
        let mut rest = letters.as_mut_slice();
        let mut done = 0;
        for (desk, sellers) in desks.iter_mut().zip(&layout.parts) {
            let end = mail.shelf[sellers.shelves.end] as usize;
            let (own, others) = rest.split_at_mut((end - done) * N);
            desk.push((mail, done, own));
            (rest, done) = (others, end);
        }
    }
    let of = desks.into_iter().zip(&layout.parts);
    of.map(|(letters, part)| Desk {
        letters,
        first: part.shelves.start,
    })
}

/// Makes room for the letters of every part: a power of two, as the inner loops want it.
pub(super) fn make_room<F: Number, const N: usize>(boxes: &mut Vec<Vec<F>>, layout: &Layout) {
    boxes.resize_with(layout.parts.len(), Vec::new);
    for (letters, part) in boxes.iter_mut().zip(&layout.parts) {
        let places = part.mail.as_ref().map_or(0, |m| m.node.len() + 1);
        let room = places.next_power_of_two() * N;
        if letters.len() != room {
            *letters = vec![F::ZERO; room];
        }
    }
}

/// A shelf's numbers, of which the compiler knows how many there are.
fn whole<T>(numbers: &mut [T]) -> &mut [T; SHELF] {
    numbers.first_chunk_mut().expect("a shelf's numbers")
}

/// Reads and writes the letters of one shelf after the other, which then come from memory once a period.
#[derive(Default)]
pub(super) struct Clerk<F> {
    sums: Vec<f64>,
    own: Vec<F>,
}

impl<F: Number> Clerk<F> {
    /// Adds the first numbers of the letters to the nodes of a shelf up, in 64 bits.
    pub(super) fn sums<const N: usize>(&mut self, desk: &Desk<'_, F>, shelf: usize, to: &mut [F]) {
        self.sums.resize(SHELF, 0.0);
        let sums: &mut [f64; SHELF] = whole(&mut self.sums);
        sums.fill(0.0);
        for (mail, done, letters) in &desk.letters {
            let shelf = mail.on(desk.first + shelf);
            let letters = letters[(shelf.start - done) * N..].as_chunks::<N>().0;
            for (letter, node) in letters.iter().zip(&mail.node[shelf]) {
                sums[*node as usize % SHELF] += letter[0].to_f64();
            }
        }
        for (to, sum) in to.iter_mut().zip(&*sums) {
            *to = F::from_f64(*sum);
        }
    }

    /// Writes the numbers of a shelf's nodes, one of each kind, into the letters from them.
    pub(super) fn send<const N: usize>(
        &mut self,
        desk: &mut Desk<'_, F>,
        shelf: usize,
        kinds: [&[F]; N],
    ) {
        self.own.resize(SHELF * N, F::ZERO);
        let own: &mut [[F; N]; SHELF] = whole(self.own.as_chunks_mut().0);
        for (k, from) in kinds.iter().enumerate() {
            for (own, from) in own.iter_mut().zip(*from) {
                own[k] = *from;
            }
        }
        for (mail, done, letters) in &mut desk.letters {
            let shelf = mail.on(desk.first + shelf);
            let letters = letters[(shelf.start - *done) * N..].as_chunks_mut::<N>().0;
            for (letter, node) in letters.iter_mut().zip(&mail.node[shelf]) {
                *letter = own[*node as usize % SHELF];
            }
        }
    }
}

/// Rows of a part's nodes, shelf by shelf.
pub(super) fn shelves<const W: usize>(rows: usize) -> impl Iterator<Item = (usize, Range<usize>)> {
    let each = SHELF / W;
    let first = (0..rows).step_by(each);
    first
        .map(move |first| first..(first + each).min(rows))
        .enumerate()
}
