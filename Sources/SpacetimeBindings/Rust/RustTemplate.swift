/// What is the same for every module.
enum RustTemplate {
    static let module = #"""
        #![allow(unused, non_camel_case_types, non_snake_case, clippy::all)]
        use spacetimedb_sdk::__codegen as sdk;
        use sdk::__ws::v2;
        use std::marker::PhantomData;

        #[derive(Debug)]
        pub struct RemoteModule;
        type Imp = sdk::DbContextImpl<RemoteModule>;
        macro_rules! belongs { ($($t:ty),* $(,)?) => { $( impl sdk::InModule for $t { type Module = RemoteModule; } )* } }
        belongs!(
            RemoteModule, RemoteTables, RemoteReducers, RemoteProcedures, DbConnection, SubscriptionHandle, Reducer, DbUpdate,
            AppliedDiff<'_>, EventContext, ReducerEventContext, ProcedureEventContext, SubscriptionEventContext, ErrorContext,
        );
        pub struct RemoteTables { imp: Imp }
        pub struct RemoteReducers { imp: Imp }
        pub struct RemoteProcedures { imp: Imp }

        macro_rules! context {
            ($name:ident { $($field:ident : $ty:ty)? }) => {
                pub struct $name { pub db: RemoteTables, pub reducers: RemoteReducers, pub procedures: RemoteProcedures, $(pub $field: $ty,)? imp: Imp }
                impl sdk::DbContext for $name {
                    type DbView = RemoteTables;
                    type Reducers = RemoteReducers;
                    type Procedures = RemoteProcedures;
                    type SubscriptionBuilder = sdk::SubscriptionBuilder<RemoteModule>;
                    fn db(&self) -> &RemoteTables { &self.db }
                    fn reducers(&self) -> &RemoteReducers { &self.reducers }
                    fn procedures(&self) -> &RemoteProcedures { &self.procedures }
                    fn is_active(&self) -> bool { self.imp.is_active() }
                    fn disconnect(&self) -> sdk::Result<()> { self.imp.disconnect() }
                    fn subscription_builder(&self) -> Self::SubscriptionBuilder { sdk::SubscriptionBuilder::new(&self.imp) }
                    fn try_identity(&self) -> ::std::option::Option<sdk::Identity> { self.imp.try_identity() }
                    fn connection_id(&self) -> sdk::ConnectionId { self.imp.connection_id() }
                    fn try_connection_id(&self) -> ::std::option::Option<sdk::ConnectionId> { self.imp.try_connection_id() }
                }
                impl $name {
                    fn make(imp: Imp, $($field: $ty)?) -> Self {
                        Self {
                            db: RemoteTables { imp: imp.clone() }, reducers: RemoteReducers { imp: imp.clone() },
                            procedures: RemoteProcedures { imp: imp.clone() }, $($field,)? imp,
                        }
                    }
                }
            };
            (callback $name:ident $ty:ty) => {
                context!($name { event: $ty });
                impl sdk::$name for $name {}
                impl sdk::AbstractEventContext for $name {
                    type Event = $ty;
                    fn event(&self) -> &$ty { &self.event }
                    fn new(imp: Imp, event: $ty) -> Self { Self::make(imp, event) }
                }
            };
            (callback $name:ident) => {
                context!($name { });
                impl sdk::$name for $name {}
                impl sdk::AbstractEventContext for $name {
                    type Event = ();
                    fn event(&self) -> &() { &() }
                    fn new(imp: Imp, _: ()) -> Self { Self::make(imp) }
                }
            };
        }
        context!(DbConnection { });
        context!(callback ProcedureEventContext);
        context!(callback SubscriptionEventContext);
        context!(callback EventContext sdk::Event<Reducer>);
        context!(callback ReducerEventContext sdk::ReducerEvent<Reducer>);
        context!(callback ErrorContext ::std::option::Option<sdk::Error>);
        impl sdk::DbConnection for DbConnection { fn new(imp: Imp) -> Self { Self::make(imp) } }
        impl DbConnection {
            pub fn builder() -> sdk::DbConnectionBuilder<RemoteModule> { sdk::DbConnectionBuilder::new() }
            pub fn frame_tick(&self) -> sdk::Result<()> { self.imp.frame_tick() }
            pub fn advance_one_message(&self) -> sdk::Result<bool> { self.imp.advance_one_message() }
            pub async fn run_async(&self) -> sdk::Result<()> { self.imp.run_async().await }
            pub async fn advance_one_message_async(&self) -> sdk::Result<()> { self.imp.advance_one_message_async().await }
            #[cfg(not(target_arch = "wasm32"))]
            pub fn run_threaded(&self) -> std::thread::JoinHandle<()> { self.imp.run_threaded() }
            #[cfg(not(target_arch = "wasm32"))]
            pub fn advance_one_message_blocking(&self) -> sdk::Result<()> { self.imp.advance_one_message_blocking() }
            #[cfg(target_arch = "wasm32")]
            pub fn run_background_task(&self) { self.imp.run_background_task() }
        }
        #[derive(Clone)]
        pub struct SubscriptionHandle { imp: sdk::SubscriptionHandleImpl<RemoteModule> }
        impl sdk::SubscriptionHandle for SubscriptionHandle {
            fn new(imp: sdk::SubscriptionHandleImpl<RemoteModule>) -> Self { Self { imp } }
            fn is_ended(&self) -> bool { self.imp.is_ended() }
            fn is_active(&self) -> bool { self.imp.is_active() }
            fn unsubscribe_then(self, on_end: sdk::OnEndedCallback<RemoteModule>) -> sdk::Result<()> { self.imp.unsubscribe_then(Some(on_end)) }
            fn unsubscribe(self) -> sdk::Result<()> { self.imp.unsubscribe_then(None) }
        }
        pub trait RemoteDbContext: sdk::DbContext<DbView = RemoteTables, Reducers = RemoteReducers, SubscriptionBuilder = sdk::SubscriptionBuilder<RemoteModule>> {}
        impl<C: sdk::DbContext<DbView = RemoteTables, Reducers = RemoteReducers, SubscriptionBuilder = sdk::SubscriptionBuilder<RemoteModule>>> RemoteDbContext for C {}

        /// One trait of callbacks for a table handle.
        macro_rules! on { ($trait:ident, $handle:ident, $id:ident, $assoc:ident, $add:ident, $remove:ident, $($arg:ty),*) => {
            impl<'ctx> sdk::$trait for $handle<'ctx> {
                type $assoc = $id;
                fn $add(&self, f: impl FnMut(&EventContext, $($arg),*) + Send + 'static) -> $id { $id(self.imp.$add(f)) }
                fn $remove(&self, id: $id) { self.imp.$remove(id.0) }
            }
        } }
        /// One table or view: its handle, and how it is reached.
        macro_rules! table { ($row:ident, $wire:literal, $method:ident, $access:ident, $handle:ident, $marker:ident, $ins:ident) => {
            pub struct $handle<'ctx> { imp: sdk::TableHandle<$row>, ctx: PhantomData<&'ctx RemoteTables> }
            pub struct $marker;
            pub struct $ins(sdk::CallbackId);
            pub trait $access { fn $method(&self) -> $handle<'_>; }
            impl $access for RemoteTables { fn $method(&self) -> $handle<'_> { $handle { imp: self.imp.get_table::<$row>($wire), ctx: PhantomData } } }
            impl sdk::TableAccessor<RemoteTables> for $marker { type Row = $row; type Handle<'db> = $handle<'db>; fn get<'db>(db: &'db RemoteTables) -> $handle<'db> { db.$method() } }
            impl<'ctx> sdk::TableLike for $handle<'ctx> { type Row = $row; type EventContext = EventContext; fn count(&self) -> u64 { self.imp.count() } fn iter(&self) -> impl Iterator<Item = $row> + '_ { self.imp.iter() } }
            on!(WithInsert, $handle, $ins, InsertCallbackId, on_insert, remove_on_insert, &$row);
        } }
        /// What queries for its rows are made of.
        macro_rules! queried { ($row:ident, $wire:literal, $method:ident, $query:ident) => {
            pub trait $query { fn $method(&self) -> sdk::__query_builder::Table<$row>; }
            impl $query for sdk::QueryTableAccessor { fn $method(&self) -> sdk::__query_builder::Table<$row> { sdk::__query_builder::Table::new($wire) } }
        } }
        macro_rules! stored_table { ($row:ident, $handle:ident, $ins:ident, $del:ident) => {
            pub struct $del(sdk::CallbackId);
            impl<'ctx> sdk::Table for $handle<'ctx> {
                type Row = $row; type EventContext = EventContext; type InsertCallbackId = $ins; type DeleteCallbackId = $del;
                fn count(&self) -> u64 { self.imp.count() }
                fn iter(&self) -> impl Iterator<Item = $row> + '_ { self.imp.iter() }
                fn on_insert(&self, f: impl FnMut(&EventContext, &$row) + Send + 'static) -> $ins { $ins(self.imp.on_insert(f)) }
                fn remove_on_insert(&self, id: $ins) { self.imp.remove_on_insert(id.0) }
                fn on_delete(&self, f: impl FnMut(&EventContext, &$row) + Send + 'static) -> $del { $del(self.imp.on_delete(f)) }
                fn remove_on_delete(&self, id: $del) { self.imp.remove_on_delete(id.0) }
            }
            on!(WithDelete, $handle, $del, DeleteCallbackId, on_delete, remove_on_delete, &$row);
        } }
        macro_rules! event_table { ($row:ident, $handle:ident, $ins:ident) => {
            impl<'ctx> sdk::EventTable for $handle<'ctx> {
                type Row = $row; type EventContext = EventContext; type InsertCallbackId = $ins;
                fn count(&self) -> u64 { self.imp.count() }
                fn iter(&self) -> impl Iterator<Item = $row> + '_ { self.imp.iter() }
                fn on_insert(&self, f: impl FnMut(&EventContext, &$row) + Send + 'static) -> $ins { $ins(self.imp.on_insert(f)) }
                fn remove_on_insert(&self, id: $ins) { self.imp.remove_on_insert(id.0) }
            }
        } }
        macro_rules! keyed_table { ($row:ident, $handle:ident, $upd:ident) => {
            pub struct $upd(sdk::CallbackId);
            on!(WithUpdate, $handle, $upd, UpdateCallbackId, on_update, remove_on_update, &$row, &$row);
            on!(TableWithPrimaryKey, $handle, $upd, UpdateCallbackId, on_update, remove_on_update, &$row, &$row);
        } }
        macro_rules! unique_columns { ($row:ident, $wire:literal, $handle:ident, $marker:ident; $($index:ident, $field:ident : $ty:ty);*) => {
            $( pub struct $index<'ctx> { imp: sdk::UniqueConstraintHandle<$row, $ty>, ctx: PhantomData<&'ctx RemoteTables> }
            impl<'ctx> $handle<'ctx> { pub fn $field(&self) -> $index<'ctx> { $index { imp: self.imp.get_unique_constraint::<$ty>(stringify!($field)), ctx: PhantomData } } }
            impl<'ctx> $index<'ctx> { pub fn find(&self, value: &$ty) -> ::std::option::Option<$row> { self.imp.find(value) } } )*
            impl $marker { fn register(cache: &mut sdk::ClientCache<RemoteModule>) { let table = cache.get_or_make_table::<$row>($wire); $( table.add_unique_constraint::<$ty>(stringify!($field), |row| &row.$field); )* } }
        } }
        macro_rules! cols { ($row:ident, $cols:ident { $($c:ident : $ct:ty = $cn:literal),* $(,)? }) => {
            pub struct $cols { $(pub $c: sdk::__query_builder::Col<$row, $ct>,)* }
            impl sdk::__query_builder::HasCols for $row { type Cols = $cols; fn cols(table: &'static str) -> $cols { $cols { $($c: sdk::__query_builder::Col::new(table, $cn),)* } } }
        } }
        macro_rules! ix_cols { ($row:ident, $ix:ident { $($i:ident : $it:ty = $in:literal),* $(,)? }) => {
            pub struct $ix { $(pub $i: sdk::__query_builder::IxCol<$row, $it>,)* }
            impl sdk::__query_builder::HasIxCols for $row { type IxCols = $ix; fn ix_cols(table: &'static str) -> $ix { $ix { $($i: sdk::__query_builder::IxCol::new(table, $in),)* } } }
        } }
        macro_rules! data { ($name:ident, $($item:tt)*) => {
            #[derive(sdk::__lib::ser::Serialize, sdk::__lib::de::Deserialize, Clone, PartialEq, Debug)]
            #[sats(crate = sdk::__lib)]
            $($item)*
            belongs!($name);
        } }
        macro_rules! plain_enum { ($name:ident, $($item:tt)*) => { data!($name, #[derive(Copy, Eq, Hash)] $($item)*); } }
        """#

    static let associatedTypes = """
        type DbConnection = DbConnection;
        type EventContext = EventContext;
        type ReducerEventContext = ReducerEventContext;
        type ProcedureEventContext = ProcedureEventContext;
        type SubscriptionEventContext = SubscriptionEventContext;
        type ErrorContext = ErrorContext;
        type Reducer = Reducer;
        type DbView = RemoteTables;
        type Reducers = RemoteReducers;
        type Procedures = RemoteProcedures;
        type DbUpdate = DbUpdate;
        type AppliedDiff<'r> = AppliedDiff<'r>;
        type SubscriptionHandle = SubscriptionHandle;
        type QueryBuilder = sdk::QueryBuilder;
        """
}
