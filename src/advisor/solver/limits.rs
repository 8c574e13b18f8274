//! How many indexes may be chosen: of all of them, or of those on one table.

/// Groups of indexes, of each of which only so many may be chosen. A group may be part of another.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Limits {
    /// Most indexes of each group.
    most: Vec<usize>,
    /// The groups of each index; beyond its end an index has none.
    groups: Vec<Vec<usize>>,
}

impl Limits {
    /// Allows at most so many of these indexes.
    pub fn add(&mut self, members: impl IntoIterator<Item = usize>, most: usize) {
        let group = self.most.len();
        self.most.push(most);
        for index in members {
            if index >= self.groups.len() {
                self.groups.resize(index + 1, Vec::new());
            }
            self.groups[index].push(group);
        }
    }

    /// Whether a choice keeps to them.
    #[must_use]
    pub fn hold(&self, chosen: &[usize]) -> bool {
        self.most.is_empty() || self.left(&[]).admits(self, chosen)
    }

    /// Most indexes of each group.
    pub(super) fn most(&self) -> &[usize] {
        &self.most
    }

    /// The groups of an index.
    pub(super) fn of(&self, index: usize) -> &[usize] {
        self.groups.get(index).map_or(&[], Vec::as_slice)
    }

    /// Whether wherever `index` may be chosen, `other` may be instead.
    pub(super) fn allow_instead(&self, other: usize, index: usize) -> bool {
        self.of(other).iter().all(|g| self.of(index).contains(g))
    }

    /// What they leave beside these.
    pub(super) fn left(&self, chosen: &[usize]) -> Left {
        let mut left = self.most.clone();
        for group in chosen.iter().flat_map(|&i| self.of(i)) {
            left[*group] = left[*group].saturating_sub(1);
        }
        Left(left)
    }

    /// The one limit that there is, if it is about all of so many indexes.
    pub(super) fn of_all(&self, indexes: usize) -> Option<usize> {
        let all = self.groups.len() >= indexes && self.groups.iter().all(|g| !g.is_empty());
        match self.most.as_slice() {
            [most] if all => Some(*most),
            _ => None,
        }
    }
}

/// How many more indexes of each group may be chosen.
#[derive(Debug, Clone)]
pub(super) struct Left(Vec<usize>);

impl Left {
    /// Whether these may all be chosen.
    pub(super) fn admits<'i>(
        &self,
        limits: &Limits,
        set: impl IntoIterator<Item = &'i usize>,
    ) -> bool {
        let mut left = self.clone();
        set.into_iter().all(|&index| left.take(limits, index))
    }

    /// Chooses one more, if it may be.
    pub(super) fn take(&mut self, limits: &Limits, index: usize) -> bool {
        let groups = limits.of(index);
        let may = groups.iter().all(|g| self.0[*g] > 0);
        if may {
            for group in groups {
                self.0[*group] -= 1;
            }
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_is_counted_by_itself() {
        let mut limits = Limits::default();
        limits.add(0..4, 2);
        limits.add([2, 3], 1);
        for (chosen, hold) in [
            (&[][..], true),
            (&[0, 1], true),
            (&[0, 2], true),
            (&[2, 3], false),
            (&[0, 1, 2], false),
            (&[4, 5, 6], true),
        ] {
            assert_eq!(limits.hold(chosen), hold, "{chosen:?}");
        }
        assert!(limits.allow_instead(0, 2) && !limits.allow_instead(2, 0));
        assert!(Limits::default().hold(&[0, 1, 2]));
    }

    #[test]
    fn only_a_single_limit_on_all_can_stand_for_a_budget() {
        let mut limits = Limits::default();
        assert_eq!(limits.of_all(3), None);
        limits.add(0..3, 2);
        assert_eq!(limits.of_all(3), Some(2));
        assert_eq!(limits.of_all(4), None, "the fourth is not limited");
        limits.add([1], 1);
        assert_eq!(limits.of_all(3), None);
    }
}
