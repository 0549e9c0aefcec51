//! Memory that holds code.

#[cfg(target_arch = "x86_64")]
pub(super) use here::Code;
#[cfg(not(target_arch = "x86_64"))]
pub(super) use nowhere::Code;

#[cfg(target_arch = "x86_64")]
mod here {
    use super::super::emit::VECTOR;
    use memmap2::{Mmap, MmapMut};

    /// What the code is as a function: see `emit.rs`.
    type Function = unsafe extern "sysv64" fn(*mut *mut u8, usize, usize, usize);

    /// Code that can be run.
    pub(in super::super) struct Code {
        memory: Mmap,
    }

    impl Code {
        /// Nothing, if the system gives no memory that can be run.
        pub fn new(bytes: &[u8]) -> Option<Code> {
            let mut memory = MmapMut::map_anon(bytes.len()).ok()?;
            memory.copy_from_slice(bytes);
            // Never writable and executable at once.
            let memory = memory.make_exec().ok()?;
            Some(Code { memory })
        }

        /// Runs it over `lanes` lanes, as many times as there are `turns`, at least once. The first `head` lanes, fewer
        /// than a vector, are done apart. The pointers are lost.
        ///
        /// # Safety
        /// The machine has AVX-512. The pointers are those of the stretch, valid for what it reads
        /// and writes at so many lanes in so many turns.
        pub unsafe fn run(
            &self,
            pointers: &mut Vec<*mut u8>,
            (head, lanes): (usize, usize),
            turns: usize,
        ) {
            let head = if head + VECTOR <= lanes { head } else { 0 };
            let whole = head + (lanes - head) / VECTOR * VECTOR;
            let mask = |lanes: usize| (1 << lanes) - 1;
            // Numbers in a table of pointers, as the code reads both.
            pointers.extend([head, mask(head)].map(std::ptr::without_provenance_mut));
            // SAFETY: the memory holds a function of this type from its first byte on, and lives as
            // long as `self`; the rest is the caller's promise.
            unsafe {
                let function: Function = std::mem::transmute(self.memory.as_ptr());
                function(pointers.as_mut_ptr(), whole, mask(lanes - whole), turns);
            }
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod nowhere {
    /// There is none on this architecture.
    pub(in super::super) enum Code {}

    impl Code {
        pub fn new(_: &[u8]) -> Option<Code> {
            None
        }

        /// # Safety
        /// It is never called.
        pub unsafe fn run(&self, _: &mut Vec<*mut u8>, _: (usize, usize), _: usize) {
            match *self {}
        }
    }
}
