//! The pages of a btree that looks as high as the real one and holds nothing.
//!
//! The planner charges each descent by the level of the root (`_bt_getrootheight`), and asks the tree for its first or last
//! entry when a constant lies at an end of the histogram (`get_actual_variable_range`). So a bare metapage will not do:
//! there must be a root, and a way down to a leaf. One page a level is enough: each inner page has one entry, the
//! "minus infinity" downlink, and the leaf none. Layouts: `nbtree.h`, `bufpage.h`, `itemid.h`; the same in 13 to 18.

/// Bytes of a page.
pub(super) const PAGE: usize = 8192;
/// Bytes of `PageHeaderData`.
const HEADER: usize = 24;
/// Bytes of `BTPageOpaqueData`, at the end of each page.
const SPECIAL: usize = 16;
/// Where it begins.
const SPECIAL_AT: usize = PAGE - SPECIAL;
/// `pd_pagesize_version`: page size with layout version 4.
const VERSION: u16 = 8192 | 4;
/// `BTREE_MAGIC`.
const MAGIC: u32 = 0x0005_3162;
const BTP_LEAF: u16 = 1;
const BTP_ROOT: u16 = 2;
/// A pivot tuple: `INDEX_ALT_TID_MASK` (`INDEX_AM_RESERVED_BIT`) and its length of 8 bytes.
const PIVOT: u16 = 0x2000 | 8;
/// `LP_NORMAL`, in the bits of a line pointer.
const NORMAL: u32 = 1 << 15;

/// Where the metapage holds root, level, fast root and fast level, four bytes each.
const META_ROOT: usize = HEADER + 8;

/// Writes root and level into a metapage that the server made. `false` if it is no metapage of a btree.
pub(super) fn set_root(metapage: &mut [u8], height: u32) -> bool {
    if metapage.len() < PAGE || metapage[HEADER..HEADER + 4] != MAGIC.to_ne_bytes() {
        return false;
    }
    for (at, value) in (META_ROOT..).step_by(4).zip([1, height, 1, height]) {
        metapage[at..at + 4].copy_from_slice(&value.to_ne_bytes());
    }
    true
}

/// The pages below the metapage, root (block 1) first, leaf (block `height + 1`) last.
pub(super) fn spine(height: u32) -> Vec<u8> {
    let mut pages = Vec::new();
    for level in (0..=height).rev() {
        let block = height - level + 1;
        pages.extend(page(level, height, block + 1));
    }
    pages
}

fn page(level: u32, height: u32, below: u32) -> Vec<u8> {
    let mut page = vec![0; PAGE];
    let mut put = |at: usize, bytes: &[u8]| page[at..at + bytes.len()].copy_from_slice(bytes);
    let special = u16::try_from(SPECIAL_AT).unwrap_or(u16::MAX);
    let header = u16::try_from(HEADER).unwrap_or(u16::MAX);
    let (lower, upper) = if level == 0 {
        (header, special)
    } else {
        (header + 4, special - 8)
    };
    for (at, value) in [(12, lower), (14, upper), (16, special), (18, VERSION)] {
        put(at, &value.to_ne_bytes());
    }
    if level > 0 {
        let pointer = u32::from(upper) | NORMAL | 8 << 17;
        put(HEADER, &pointer.to_ne_bytes());
        // A heap TID whose block is the page below: its high and its low half, and no offset.
        let (high, low) = ((below >> 16) as u16, (below & 0xffff) as u16);
        for (at, value) in (usize::from(upper)..).step_by(2).zip([high, low, 0, PIVOT]) {
            put(at, &value.to_ne_bytes());
        }
    }
    let mut flags = if level == 0 { BTP_LEAF } else { 0 };
    if level == height {
        flags |= BTP_ROOT;
    }
    put(SPECIAL_AT + 8, &level.to_ne_bytes());
    put(SPECIAL_AT + 12, &flags.to_ne_bytes());
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_level_leads_to_the_next() {
        for height in 0..4 {
            let pages = spine(height);
            assert_eq!(pages.len(), PAGE * (height as usize + 1));
            for (number, page) in pages.chunks(PAGE).enumerate() {
                let level =
                    u32::from_ne_bytes(page[SPECIAL_AT + 8..SPECIAL_AT + 12].try_into().unwrap());
                let flags =
                    u16::from_ne_bytes(page[SPECIAL_AT + 12..SPECIAL_AT + 14].try_into().unwrap());
                assert_eq!(level as usize, height as usize - number);
                assert_eq!(flags & BTP_ROOT != 0, number == 0);
                assert_eq!(flags & BTP_LEAF != 0, level == 0);
                if level > 0 {
                    let low = u16::from_ne_bytes(
                        page[SPECIAL_AT - 6..SPECIAL_AT - 4].try_into().unwrap(),
                    );
                    assert_eq!(usize::from(low), number + 2, "block of the page below");
                }
            }
        }
    }

    #[test]
    fn only_a_metapage_of_a_btree_gets_a_root() {
        let mut page = vec![0; PAGE];
        assert!(!set_root(&mut page, 2));
        page[HEADER..HEADER + 4].copy_from_slice(&MAGIC.to_ne_bytes());
        assert!(set_root(&mut page, 2));
        assert_eq!(page[META_ROOT..META_ROOT + 8], [1, 0, 0, 0, 2, 0, 0, 0]);
    }
}
