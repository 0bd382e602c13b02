//! The ABI of guest modules for Rust, without a crate: what a host offers, and how values and definitions are written.
//! A module says `#[macro_use] mod spacetime;`; `transfer.rs` is a small one.
#![allow(dead_code, unused_macros)]

/// A module's exports: its definition, and its reducers by their numbers, with the call and a reader of its arguments.
macro_rules! module {
    ($definition:expr, |$call:ident, $reader:ident| { $($id:literal => $reducer:expr,)+ }) => {
        #[no_mangle]
        pub extern "C" fn __preinit__00_panic_hook() {
            $crate::spacetime::log_panics();
        }

        #[no_mangle]
        pub extern "C" fn __describe_module__(sink: u32) {
            $definition.describe(sink);
        }

        #[no_mangle]
        pub extern "C" fn __call_reducer__(
            id: u32, sender_0: u64, sender_1: u64, sender_2: u64, sender_3: u64, _: u64, _: u64, timestamp: i64,
            arguments: u32, sink: u32,
        ) -> u32 {
            use $crate::spacetime::*;
            let sender = identity([sender_0, sender_1, sender_2, sender_3]);
            let $call = Call { sender, now: timestamp };
            let arguments = read_source(arguments);
            #[allow(unused_mut)]
            let mut $reader = Reader(&arguments);
            run(sink, || match id {
                $($id => $reducer,)+
                _ => panic!("there is no reducer {}", id),
            })
        }
    };
}

// MARK: What a host offers

mod host {
    #[link(wasm_import_module = "spacetime_10.0")]
    extern "C" {
        pub fn table_id_from_name(name: *const u8, length: usize, out: *mut u32) -> u32;
        pub fn index_id_from_name(name: *const u8, length: usize, out: *mut u32) -> u32;
        pub fn datastore_table_scan_bsatn(table: u32, out: *mut u32) -> u32;
        pub fn row_iter_bsatn_advance(iterator: u32, buffer: *mut u8, length: *mut usize) -> i32;
        pub fn datastore_insert_bsatn(table: u32, row: *mut u8, length: *mut usize) -> u32;
        pub fn datastore_update_bsatn(table: u32, index: u32, row: *mut u8, length: *mut usize) -> u32;
        pub fn bytes_source_read(source: u32, buffer: *mut u8, length: *mut usize) -> i32;
        pub fn bytes_sink_write(sink: u32, buffer: *const u8, length: *mut usize) -> u32;
        pub fn console_log(
            level: u32, target: *const u8, target_length: usize, file: *const u8, file_length: usize, line: u32,
            message: *const u8, message_length: usize,
        );
    }
    #[link(wasm_import_module = "spacetime_10.1")]
    extern "C" {
        pub fn bytes_source_remaining_length(source: u32, out: *mut usize) -> u32;
    }
    #[link(wasm_import_module = "spacetime_10.4")]
    extern "C" {
        pub fn datastore_index_scan_point_bsatn(index: u32, point: *const u8, length: usize, out: *mut u32) -> u32;
        pub fn datastore_delete_by_index_scan_point_bsatn(
            index: u32, point: *const u8, length: usize, out: *mut u32,
        ) -> u32;
    }
}

/// Who calls, and when.
#[derive(Clone, Copy)]
pub struct Call {
    pub sender: Identity,
    /// In microseconds since 1970.
    pub now: i64,
}

pub type Identity = [u8; 32];

pub fn identity(words: [u64; 4]) -> Identity {
    let mut identity = [0; 32];
    for (place, word) in identity.chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    identity
}

// MARK: Sources, sinks, logs

/// All bytes of a source.
pub fn read_source(source: u32) -> Vec<u8> {
    if source == 0 {
        return Vec::new();
    }
    let mut length = 0;
    let error = unsafe { host::bytes_source_remaining_length(source, &mut length) };
    assert!(error == 0, "a source is none");
    let mut bytes = vec![0; length];
    let result = unsafe { host::bytes_source_read(source, bytes.as_mut_ptr(), &mut length) };
    assert!(result == -1, "a source has more than it said");
    bytes
}

/// Arguments of a size that is known.
pub fn read_exactly<const N: usize>(source: u32) -> [u8; N] {
    let mut bytes = [0; N];
    let mut length = N;
    let result = unsafe { host::bytes_source_read(source, bytes.as_mut_ptr(), &mut length) };
    assert!(result == -1 && length == N, "the arguments are none");
    bytes
}

pub fn write_sink(sink: u32, bytes: &[u8]) {
    let mut length = bytes.len();
    if length > 0 {
        let error = unsafe { host::bytes_sink_write(sink, bytes.as_ptr(), &mut length) };
        assert!(error == 0, "a sink is none");
    }
}

pub fn log(level: u32, message: &str) {
    let none = std::ptr::null();
    unsafe { host::console_log(level, none, 0, none, 0, u32::MAX, message.as_ptr(), message.len()) }
}

pub const INFO: u32 = 2;

/// Runs a reducer, and tells the host how it ended. A panic has been logged when it breaks off.
pub fn run(sink: u32, reducer: impl FnOnce() -> Result<(), String>) -> u32 {
    match reducer() {
        Ok(()) => 0,
        Err(message) => {
            write_sink(sink, message.as_bytes());
            1
        }
    }
}

/// Has panics stand in the log. Called by `__preinit__00_panic_hook`.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| log(101, &panic.to_string())));
}

// MARK: Reading and writing BSATN

/// What is left to be read of bytes that the host has checked.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (taken, left) = self.0.split_at(count);
        self.0 = left;
        taken
    }

    pub fn u8(&mut self) -> u8 {
        self.bytes(1)[0]
    }

    pub fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.bytes(4).try_into().unwrap())
    }

    pub fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.bytes(8).try_into().unwrap())
    }

    pub fn identity(&mut self) -> Identity {
        self.bytes(32).try_into().unwrap()
    }

    pub fn text(&mut self) -> &'a str {
        let count = self.u32() as usize;
        std::str::from_utf8(self.bytes(count)).unwrap()
    }
}

/// Bytes that are written one value behind the other.
#[derive(Default)]
pub struct Writer(pub Vec<u8>);

impl Writer {
    pub fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    pub fn u16(self, value: u16) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    pub fn u32(self, value: u32) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    pub fn u64(self, value: u64) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    pub fn i64(self, value: i64) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    pub fn text(self, text: &str) -> Self {
        self.u32(text.len() as u32).bytes(text.as_bytes())
    }

    pub fn some_text(self, text: &str) -> Self {
        self.u8(0).text(text)
    }

    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }
}

pub fn write() -> Writer {
    Writer::default()
}

// MARK: Rows

/// A table or an index, by the number that the host gives it.
#[derive(Clone, Copy)]
pub struct Table(u32);
#[derive(Clone, Copy)]
pub struct Index(u32);

/// Another row has the value already.
pub struct NotUnique;

fn unique(error: u32) -> Result<(), NotUnique> {
    match error {
        0 => Ok(()),
        12 => Err(NotUnique),
        _ => panic!("error {}", error),
    }
}

impl Table {
    pub fn named(name: &str) -> Table {
        let mut id = 0;
        let error = unsafe { host::table_id_from_name(name.as_ptr(), name.len(), &mut id) };
        assert!(error == 0, "there is no table {}", name);
        Table(id)
    }

    /// The host writes generated columns into the row's first bytes.
    pub fn insert(self, row: &mut [u8]) -> Result<(), NotUnique> {
        let mut length = row.len();
        unique(unsafe { host::datastore_insert_bsatn(self.0, row.as_mut_ptr(), &mut length) })
    }

    pub fn update(self, key: Index, row: &mut [u8]) -> Result<(), NotUnique> {
        let mut length = row.len();
        unique(unsafe { host::datastore_update_bsatn(self.0, key.0, row.as_mut_ptr(), &mut length) })
    }

    /// All rows, one behind the other.
    pub fn rows(self) -> Vec<u8> {
        let mut iterator = 0;
        let error = unsafe { host::datastore_table_scan_bsatn(self.0, &mut iterator) };
        assert!(error == 0, "a table cannot be scanned");
        let mut rows = Vec::new();
        let mut room = 65536;
        loop {
            let start = rows.len();
            rows.resize(start + room, 0);
            let mut length = room;
            let result = unsafe { host::row_iter_bsatn_advance(iterator, rows[start..].as_mut_ptr(), &mut length) };
            if result == 11 {
                rows.truncate(start);
                room = length;
                continue;
            }
            assert!(result <= 0, "an iterator is none");
            rows.truncate(start + length);
            if result == -1 {
                return rows;
            }
        }
    }
}

impl Index {
    pub fn named(name: &str) -> Index {
        let mut id = 0;
        let error = unsafe { host::index_id_from_name(name.as_ptr(), name.len(), &mut id) };
        assert!(error == 0, "there is no index {}", name);
        Index(id)
    }

    /// The row with a key of a unique index, in the buffer.
    #[inline]
    pub fn find<'a>(self, key: &[u8], buffer: &'a mut [u8]) -> Option<&'a mut [u8]> {
        let mut iterator = 0;
        let error =
            unsafe { host::datastore_index_scan_point_bsatn(self.0, key.as_ptr(), key.len(), &mut iterator) };
        assert!(error == 0, "a key is none");
        let mut length = buffer.len();
        let result = unsafe { host::row_iter_bsatn_advance(iterator, buffer.as_mut_ptr(), &mut length) };
        assert!(result == -1, "a row is larger than thought, or not the only one");
        if length == 0 {
            None
        } else {
            Some(&mut buffer[..length])
        }
    }

    /// Returns how many rows there were.
    pub fn delete(self, key: &[u8]) -> u32 {
        let mut count = 0;
        let error = unsafe {
            host::datastore_delete_by_index_scan_point_bsatn(self.0, key.as_ptr(), key.len(), &mut count)
        };
        assert!(error == 0, "a key is none");
        count
    }
}

// MARK: Definitions

/// A type, in the bytes of a definition.
pub type Type = Vec<u8>;

pub const REF: u8 = 0;
pub const STRING: u8 = 4;
pub const BOOL: u8 = 5;
pub const U32: u8 = 11;
pub const I64: u8 = 12;
pub const U64: u8 = 13;

pub fn plain(tag: u8) -> Type {
    vec![tag]
}

pub fn product(fields: &[(&str, Type)]) -> Type {
    named(write().u8(2), fields)
}

/// Names and types, as fields and parameters are.
fn named(start: Writer, fields: &[(&str, Type)]) -> Type {
    let start = start.u32(fields.len() as u32);
    fields.iter().fold(start, |all, (name, ty)| all.some_text(name).bytes(ty)).0
}

pub fn identity_type() -> Type {
    product(&[("__identity__", plain(17))])
}

pub fn timestamp_type() -> Type {
    product(&[("__timestamp_micros_since_unix_epoch__", plain(I64))])
}

pub fn schedule_type() -> Type {
    let interval = product(&[("__time_duration_micros__", plain(I64))]);
    named(write().u8(1), &[("Interval", interval), ("Time", timestamp_type())])
}

pub fn ref_type(position: u32) -> Type {
    write().u8(REF).u32(position).0
}

pub enum Algorithm {
    BTree = 0,
    Hash = 1,
}

pub struct IndexPart {
    pub name: &'static str,
    pub accessor: &'static str,
    pub algorithm: Algorithm,
    pub columns: &'static [u16],
}

/// A table whose primary key is its first column; `unique` are all columns that are unique, and that one too.
pub struct TablePart {
    pub name: &'static str,
    pub ty: Type,
    pub unique: &'static [u16],
    pub is_numbered: bool,
    pub is_public: bool,
    pub indexes: Vec<IndexPart>,
}

pub struct ReducerPart {
    pub name: &'static str,
    pub parameters: Vec<(&'static str, Type)>,
    pub is_public: bool,
}

pub fn hash(name: &'static str, accessor: &'static str, columns: &'static [u16]) -> IndexPart {
    IndexPart { name, accessor, algorithm: Algorithm::Hash, columns }
}

/// A reducer that clients call.
pub fn public(name: &'static str, parameters: Vec<(&'static str, Type)>) -> ReducerPart {
    ReducerPart { name, parameters, is_public: true }
}

/// A reducer that the host calls.
pub fn own(name: &'static str, parameters: Vec<(&'static str, Type)>) -> ReducerPart {
    ReducerPart { name, parameters, is_public: false }
}

/// What a module defines. A row type is named like its table.
pub struct Module {
    pub tables: Vec<TablePart>,
    pub reducers: Vec<ReducerPart>,
    /// 0 at the beginning, 1 when a client connects, 2 when one disconnects; and the reducer's name.
    pub lifecycle: &'static [(u8, &'static str)],
    /// A table, the column that says when, and the reducer.
    pub schedules: &'static [(&'static str, u16, &'static str)],
}

fn section(all: Writer, tag: u8, items: Vec<Vec<u8>>) -> Writer {
    items.iter().fold(all.u8(tag).u32(items.len() as u32), |all, item| all.bytes(item))
}

fn columns(all: Writer, columns: &[u16]) -> Writer {
    columns.iter().fold(all.u32(columns.len() as u32), |all, column| all.u16(*column))
}

fn table(table: &TablePart, position: u32) -> Vec<u8> {
    let mut all = columns(write().text(table.name).u32(position), &[0]).u32(table.indexes.len() as u32);
    for index in &table.indexes {
        let algorithm = match index.algorithm {
            Algorithm::BTree => 0,
            Algorithm::Hash => 1,
        };
        all = columns(all.some_text(index.name).some_text(index.accessor).u8(algorithm), index.columns);
    }
    all = all.u32(table.unique.len() as u32);
    for column in table.unique {
        all = columns(all.u8(1).u8(0), &[*column]);
    }
    all = all.u32(table.is_numbered as u32);
    if table.is_numbered {
        // No name, start or bounds; an increment of 1, of 16 bytes.
        all = all.u8(1).u16(0).u8(1).u8(1).u8(1).u64(1).u64(0);
    }
    all.u8(1).u8(!table.is_public as u8).u32(0).u8(0).0
}

fn reducer(reducer: &ReducerPart) -> Vec<u8> {
    let parameters = named(write().text(reducer.name), &reducer.parameters);
    write().bytes(&parameters).u8(reducer.is_public as u8).bytes(&product(&[])).u8(STRING).0
}

impl Module {
    pub fn describe(&self, sink: u32) {
        let names = (0..).zip(&self.tables).map(|(position, table)| {
            write().u32(0).text(table.name).u32(position).u8(1).0
        });
        let hooks = self.lifecycle.iter().map(|(moment, name)| write().u8(*moment).text(name).0);
        let schedules = self.schedules.iter();
        let schedules = schedules.map(|(table, at, name)| write().u8(1).text(table).u16(*at).text(name).0);
        let mut all = write().u8(2).u32(6);
        all = section(all, 0, self.tables.iter().map(|table| table.ty.clone()).collect());
        all = section(all, 1, names.collect());
        all = section(all, 2, (0..).zip(&self.tables).map(|(position, part)| table(part, position)).collect());
        all = section(all, 3, self.reducers.iter().map(reducer).collect());
        all = section(all, 7, hooks.collect());
        all = section(all, 6, schedules.collect());
        write_sink(sink, &all.0);
    }
}
