//! Work on several threads.

/// Does the work for every part: for the first one here, for each other one on a thread of rayon's pool. Who
/// does what must not show in the results.
pub(in crate::run) fn each<P: Send>(mut parts: impl Iterator<Item = P>, work: impl Fn(P) + Sync) {
    let Some(first) = parts.next() else {
        return;
    };
    // One part needs no pool.
    let Some(second) = parts.next() else {
        return work(first);
    };
    let work = &work;
    rayon::in_place_scope(|scope| {
        for part in std::iter::once(second).chain(parts) {
            scope.spawn(move |_| work(part));
        }
        work(first);
    });
}
