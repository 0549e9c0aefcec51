//! Memory that holds code.

#[cfg(target_arch = "x86_64")]
pub(super) use here::Code;
#[cfg(not(target_arch = "x86_64"))]
pub(super) use nowhere::Code;

#[cfg(target_arch = "x86_64")]
mod here {
    use super::super::emit::{BYTES, VECTOR};
    use memmap2::{Mmap, MmapMut};

    /// What the code is as a function: see `emit.rs`.
    type Function = unsafe extern "sysv64" fn(*mut *mut u8, usize, usize, usize);

    /// Code that can be run.
    pub(in super::super) struct Code {
        memory: Mmap,
        /// The pointer of what it stores past the cache, and bytes from there.
        past: Option<(usize, i32)>,
    }

    impl Code {
        /// Nothing, if the system gives no memory that can be run.
        pub fn new(bytes: &[u8], past: Option<(usize, i32)>) -> Option<Code> {
            let mut memory = MmapMut::map_anon(bytes.len()).ok()?;
            memory.copy_from_slice(bytes);
            // Never writable and executable at once.
            let memory = memory.make_exec().ok()?;
            Some(Code { memory, past })
        }

        /// The lanes before the first that stands at the beginning of a line of memory.
        fn before_line(&self, pointers: &[*mut u8]) -> usize {
            let Some((stream, disp)) = self.past else {
                return 0;
            };
            let address = pointers[stream].wrapping_offset(disp as isize) as usize;
            match address % size_of::<f32>() {
                0 => (BYTES - address % BYTES) % BYTES / size_of::<f32>(),
                _ => 0,
            }
        }

        /// Runs it over `lanes` lanes, as many times as there are `turns`, at least once. The
        /// pointers are lost.
        ///
        /// # Safety
        /// The machine has AVX-512. The pointers are those of the stretch, valid for what it reads
        /// and writes at so many lanes in so many turns.
        pub unsafe fn run(&self, pointers: &mut Vec<*mut u8>, lanes: usize, turns: usize) {
            let head = match self.before_line(pointers) {
                head if head + VECTOR <= lanes => head,
                _ => 0,
            };
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
        pub fn new(_: &[u8], _: Option<(usize, i32)>) -> Option<Code> {
            None
        }

        /// # Safety
        /// It is never called.
        pub unsafe fn run(&self, _: &mut Vec<*mut u8>, _: usize, _: usize) {
            match *self {}
        }
    }
}
