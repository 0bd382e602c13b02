//! What generated code touches of the crate `spacetimedb-sdk` 2.8, written for checking generated code: signatures only, as far as
//! its documentation and our notes tell them. It is none of the crate's own text, and does nothing.
#![allow(unused, async_fn_in_trait)]
pub use __codegen::{DbContext, Event, Table, TableWithPrimaryKey};

pub mod __codegen {
    use std::fmt::Debug;
    use std::hash::Hash;
    use std::marker::PhantomData;

    pub mod __lib {
        pub mod ser { pub use derive::Serialize; }
        pub mod de { pub use derive::Deserialize; }
    }
    pub mod __sats {
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)] #[allow(non_camel_case_types)] pub struct i256;
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)] #[allow(non_camel_case_types)] pub struct u256;
        pub mod bsatn {
            pub struct EncodeError;
            pub fn to_vec<T>(_: &T) -> Result<Vec<u8>, EncodeError> { unimplemented!() }
        }
    }
    pub mod __ws {
        pub mod v2 {
            pub struct RowList;
            pub struct TableRows { pub table: Box<str>, pub rows: RowList }
            pub struct QueryRows { pub tables: Vec<TableRows> }
            pub struct TableUpdate { pub table_name: Box<str> }
            pub struct TransactionUpdate;
        }
    }
    use __ws::v2;

    #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)] pub struct Identity;
    #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)] pub struct ConnectionId;
    #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)] pub struct Timestamp;
    #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)] pub struct TimeDuration;
    #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)] pub struct Uuid;
    #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)] pub enum ScheduleAt { Interval(TimeDuration), Time(Timestamp) }

    #[derive(Debug)] pub struct Error;
    pub type Result<T> = std::result::Result<T, Error>;
    #[derive(Debug)] pub struct InternalError;
    impl InternalError { pub fn unknown_name(_: &'static str, _: impl Into<String>, _: &'static str) -> Self { InternalError } }
    impl From<InternalError> for Error { fn from(_: InternalError) -> Self { Error } }

    pub trait InModule { type Module: SpacetimeModule; }
    pub trait SpacetimeModule: Send + Sync + 'static {
        type DbConnection: DbConnection<Module = Self>;
        type EventContext: EventContext<Module = Self>;
        type ReducerEventContext: ReducerEventContext<Module = Self>;
        type ProcedureEventContext: ProcedureEventContext<Module = Self>;
        type SubscriptionEventContext: SubscriptionEventContext<Module = Self>;
        type ErrorContext: ErrorContext<Module = Self>;
        type Reducer: Reducer<Module = Self>;
        type DbView: InModule<Module = Self>;
        type Reducers: InModule<Module = Self>;
        type Procedures: InModule<Module = Self>;
        type DbUpdate: DbUpdate<Module = Self>;
        type AppliedDiff<'r>: AppliedDiff<'r, Module = Self>;
        type SubscriptionHandle: SubscriptionHandle<Module = Self>;
        type QueryBuilder: Default;
        const ALL_TABLE_NAMES: &'static [&'static str];
        fn register_tables(cache: &mut ClientCache<Self>) where Self: Sized;
    }
    pub trait DbContext {
        type DbView; type Reducers; type Procedures; type SubscriptionBuilder;
        fn db(&self) -> &Self::DbView;
        fn reducers(&self) -> &Self::Reducers;
        fn procedures(&self) -> &Self::Procedures;
        fn is_active(&self) -> bool;
        fn disconnect(&self) -> Result<()>;
        fn subscription_builder(&self) -> Self::SubscriptionBuilder;
        fn try_identity(&self) -> Option<Identity>;
        fn connection_id(&self) -> ConnectionId;
        fn try_connection_id(&self) -> Option<ConnectionId>;
    }
    pub trait AbstractEventContext: InModule + DbContext {
        type Event;
        fn event(&self) -> &Self::Event;
        fn new(imp: DbContextImpl<Self::Module>, event: Self::Event) -> Self;
    }
    pub trait EventContext: AbstractEventContext {}
    pub trait ReducerEventContext: AbstractEventContext {}
    pub trait ProcedureEventContext: AbstractEventContext {}
    pub trait SubscriptionEventContext: AbstractEventContext {}
    pub trait ErrorContext: AbstractEventContext {}
    pub enum Event<R> { Reducer(ReducerEvent<R>), SubscribeApplied, Transaction }
    pub struct ReducerEvent<R> { pub reducer: R }
    pub trait DbConnection: InModule + DbContext { fn new(imp: DbContextImpl<Self::Module>) -> Self; }
    pub trait SubscriptionHandle: InModule + Clone {
        fn new(imp: SubscriptionHandleImpl<Self::Module>) -> Self;
        fn is_ended(&self) -> bool;
        fn is_active(&self) -> bool;
        fn unsubscribe_then(self, on_end: OnEndedCallback<Self::Module>) -> Result<()>;
        fn unsubscribe(self) -> Result<()>;
    }
    pub type OnEndedCallback<M> = Box<dyn FnOnce(&<M as SpacetimeModule>::SubscriptionEventContext) + Send>;
    pub trait Reducer: InModule + Clone + Debug + PartialEq {
        fn reducer_name(&self) -> &'static str;
        fn args_bsatn(&self) -> std::result::Result<Vec<u8>, __sats::bsatn::EncodeError>;
    }
    pub trait DbUpdate: InModule + TryFrom<v2::TransactionUpdate, Error = Error> + Default + Debug {
        fn apply_to_client_cache(&self, cache: &mut ClientCache<Self::Module>) -> <Self::Module as SpacetimeModule>::AppliedDiff<'_>;
        fn parse_initial_rows(raw: v2::QueryRows) -> Result<Self>;
        fn parse_unsubscribe_rows(raw: v2::QueryRows) -> Result<Self>;
    }
    pub trait AppliedDiff<'r>: InModule {
        fn invoke_row_callbacks(&self, event: &<Self::Module as SpacetimeModule>::EventContext, callbacks: &mut DbCallbacks<Self::Module>);
    }

    pub struct DbContextImpl<M>(PhantomData<fn() -> M>);
    impl<M> Clone for DbContextImpl<M> { fn clone(&self) -> Self { DbContextImpl(PhantomData) } }
    impl<M: SpacetimeModule> DbContextImpl<M> {
        pub fn is_active(&self) -> bool { true }
        pub fn disconnect(&self) -> Result<()> { Ok(()) }
        pub fn try_identity(&self) -> Option<Identity> { None }
        pub fn connection_id(&self) -> ConnectionId { ConnectionId }
        pub fn try_connection_id(&self) -> Option<ConnectionId> { None }
        pub fn frame_tick(&self) -> Result<()> { Ok(()) }
        pub fn advance_one_message(&self) -> Result<bool> { Ok(true) }
        pub fn advance_one_message_blocking(&self) -> Result<()> { Ok(()) }
        pub async fn run_async(&self) -> Result<()> { Ok(()) }
        pub async fn advance_one_message_async(&self) -> Result<()> { Ok(()) }
        pub fn run_threaded(&self) -> std::thread::JoinHandle<()> { unimplemented!() }
        pub fn get_table<Row: InModule<Module = M> + 'static>(&self, _: &'static str) -> TableHandle<Row> { TableHandle(PhantomData) }
        pub fn invoke_reducer_with_callback<Args>(
            &self, _: Args,
            _: impl FnOnce(&M::ReducerEventContext, std::result::Result<std::result::Result<(), String>, InternalError>) + Send + 'static,
        ) -> Result<()> where Args: Into<M::Reducer> + InModule<Module = M> { Ok(()) }
        pub fn invoke_procedure_with_callback<Args: InModule<Module = M>, Ret>(
            &self, _: &'static str, _: Args,
            _: impl FnOnce(&M::ProcedureEventContext, std::result::Result<Ret, InternalError>) + Send + 'static,
        ) {}
    }
    pub struct DbConnectionBuilder<M>(PhantomData<fn() -> M>);
    impl<M: SpacetimeModule> DbConnectionBuilder<M> {
        pub fn new() -> Self { DbConnectionBuilder(PhantomData) }
        pub fn with_uri(self, _: &str) -> Self { self }
        pub fn with_database_name(self, _: &str) -> Self { self }
        pub fn with_token(self, _: Option<impl Into<String>>) -> Self { self }
        pub fn on_connect(self, _: impl FnOnce(&M::DbConnection, Identity, &str) + Send + 'static) -> Self { self }
        pub fn on_disconnect(self, _: impl FnOnce(&M::ErrorContext, Option<Error>) + Send + 'static) -> Self { self }
        pub fn build(self) -> Result<M::DbConnection> { unimplemented!() }
    }
    pub struct SubscriptionHandleImpl<M>(PhantomData<fn() -> M>);
    impl<M> Clone for SubscriptionHandleImpl<M> { fn clone(&self) -> Self { SubscriptionHandleImpl(PhantomData) } }
    impl<M: SpacetimeModule> SubscriptionHandleImpl<M> {
        pub fn is_ended(&self) -> bool { true }
        pub fn is_active(&self) -> bool { true }
        pub fn unsubscribe_then(self, _: Option<OnEndedCallback<M>>) -> Result<()> { Ok(()) }
    }
    pub struct SubscriptionBuilder<M>(PhantomData<fn() -> M>);
    impl<M: SpacetimeModule> SubscriptionBuilder<M> {
        pub fn new(_: &DbContextImpl<M>) -> Self { SubscriptionBuilder(PhantomData) }
        pub fn on_applied(self, _: impl FnOnce(&M::SubscriptionEventContext) + Send + 'static) -> Self { self }
        pub fn add_query<T>(self, _: impl Fn(M::QueryBuilder) -> __query_builder::Query<T>) -> TypedSubscriptionBuilder<M> { TypedSubscriptionBuilder(PhantomData) }
        pub fn subscribe<const N: usize>(self, _: [&str; N]) {}
    }
    pub struct TypedSubscriptionBuilder<M>(PhantomData<fn() -> M>);
    impl<M: SpacetimeModule> TypedSubscriptionBuilder<M> {
        pub fn add_query<T>(self, _: impl Fn(M::QueryBuilder) -> __query_builder::Query<T>) -> Self { self }
        pub fn subscribe(self) {}
    }

    #[derive(Debug)] pub struct TableUpdate<Row>(PhantomData<fn() -> Row>);
    impl<Row> Default for TableUpdate<Row> { fn default() -> Self { TableUpdate(PhantomData) } }
    impl<Row> TableUpdate<Row> {
        pub fn append(&mut self, _: Self) {}
        pub fn parse_table_update(_: v2::TableUpdate) -> Result<Self> { Ok(TableUpdate(PhantomData)) }
        pub fn into_event_diff(&self) -> TableAppliedDiff<'_, Row> { TableAppliedDiff(PhantomData) }
    }
    pub struct TableAppliedDiff<'r, Row>(PhantomData<&'r Row>);
    impl<Row> Default for TableAppliedDiff<'_, Row> { fn default() -> Self { TableAppliedDiff(PhantomData) } }
    impl<'r, Row> TableAppliedDiff<'r, Row> { pub fn with_updates_by_pk<Key: Eq + Hash>(self, _: impl Fn(&Row) -> &Key) -> Self { self } }
    pub fn parse_row_list_as_inserts<Row>(_: v2::RowList) -> Result<TableUpdate<Row>> { Ok(Default::default()) }
    pub fn parse_row_list_as_deletes<Row>(_: v2::RowList) -> Result<TableUpdate<Row>> { Ok(Default::default()) }
    pub fn transaction_update_iter_table_updates(_: v2::TransactionUpdate) -> impl Iterator<Item = v2::TableUpdate> { std::iter::empty() }

    pub struct ClientCache<M: ?Sized>(PhantomData<fn() -> M>);
    impl<M: SpacetimeModule> ClientCache<M> {
        pub fn get_or_make_table<Row: InModule<Module = M>>(&mut self, _: &'static str) -> &mut TableCache<Row> { unimplemented!() }
        pub fn apply_diff_to_table<'r, Row: InModule<Module = M>>(&mut self, _: &'static str, _: &'r TableUpdate<Row>) -> TableAppliedDiff<'r, Row> { unimplemented!() }
    }
    pub struct TableCache<Row>(PhantomData<fn() -> Row>);
    impl<Row> TableCache<Row> { pub fn add_unique_constraint<Col: Eq + Hash + Clone>(&mut self, _: &'static str, _: fn(&Row) -> &Col) {} }
    pub struct DbCallbacks<M>(PhantomData<fn() -> M>);
    impl<M: SpacetimeModule> DbCallbacks<M> {
        pub fn invoke_table_row_callbacks<Row>(&mut self, _: &'static str, _: &TableAppliedDiff<'_, Row>, _: &M::EventContext) {}
    }

    #[derive(Clone, Copy)] pub struct CallbackId;
    pub struct TableHandle<Row>(PhantomData<fn() -> Row>);
    impl<Row: InModule> TableHandle<Row> {
        pub fn count(&self) -> u64 { 0 }
        pub fn iter(&self) -> impl Iterator<Item = Row> + '_ { std::iter::empty() }
        pub fn on_insert(&self, _: impl FnMut(&<Row::Module as SpacetimeModule>::EventContext, &Row) + Send + 'static) -> CallbackId { CallbackId }
        pub fn remove_on_insert(&self, _: CallbackId) {}
        pub fn on_delete(&self, _: impl FnMut(&<Row::Module as SpacetimeModule>::EventContext, &Row) + Send + 'static) -> CallbackId { CallbackId }
        pub fn remove_on_delete(&self, _: CallbackId) {}
        pub fn on_update(&self, _: impl FnMut(&<Row::Module as SpacetimeModule>::EventContext, &Row, &Row) + Send + 'static) -> CallbackId { CallbackId }
        pub fn remove_on_update(&self, _: CallbackId) {}
        pub fn get_unique_constraint<Col>(&self, _: &'static str) -> UniqueConstraintHandle<Row, Col> { UniqueConstraintHandle(PhantomData) }
    }
    pub struct UniqueConstraintHandle<Row, Col>(PhantomData<fn() -> (Row, Col)>);
    impl<Row, Col> UniqueConstraintHandle<Row, Col> { pub fn find(&self, _: &Col) -> Option<Row> { None } }
    pub trait TableLike { type Row; type EventContext; fn count(&self) -> u64; fn iter(&self) -> impl Iterator<Item = Self::Row> + '_; }
    pub trait WithInsert: TableLike {
        type InsertCallbackId;
        fn on_insert(&self, f: impl FnMut(&Self::EventContext, &Self::Row) + Send + 'static) -> Self::InsertCallbackId;
        fn remove_on_insert(&self, id: Self::InsertCallbackId);
    }
    pub trait WithDelete: TableLike {
        type DeleteCallbackId;
        fn on_delete(&self, f: impl FnMut(&Self::EventContext, &Self::Row) + Send + 'static) -> Self::DeleteCallbackId;
        fn remove_on_delete(&self, id: Self::DeleteCallbackId);
    }
    pub trait WithUpdate: TableLike {
        type UpdateCallbackId;
        fn on_update(&self, f: impl FnMut(&Self::EventContext, &Self::Row, &Self::Row) + Send + 'static) -> Self::UpdateCallbackId;
        fn remove_on_update(&self, id: Self::UpdateCallbackId);
    }
    pub trait Table {
        type Row; type EventContext; type InsertCallbackId; type DeleteCallbackId;
        fn count(&self) -> u64;
        fn iter(&self) -> impl Iterator<Item = Self::Row> + '_;
        fn on_insert(&self, f: impl FnMut(&Self::EventContext, &Self::Row) + Send + 'static) -> Self::InsertCallbackId;
        fn remove_on_insert(&self, id: Self::InsertCallbackId);
        fn on_delete(&self, f: impl FnMut(&Self::EventContext, &Self::Row) + Send + 'static) -> Self::DeleteCallbackId;
        fn remove_on_delete(&self, id: Self::DeleteCallbackId);
    }
    pub trait TableWithPrimaryKey: Table {
        type UpdateCallbackId;
        fn on_update(&self, f: impl FnMut(&Self::EventContext, &Self::Row, &Self::Row) + Send + 'static) -> Self::UpdateCallbackId;
        fn remove_on_update(&self, id: Self::UpdateCallbackId);
    }
    pub trait EventTable {
        type Row; type EventContext; type InsertCallbackId;
        fn count(&self) -> u64;
        fn iter(&self) -> impl Iterator<Item = Self::Row> + '_;
        fn on_insert(&self, f: impl FnMut(&Self::EventContext, &Self::Row) + Send + 'static) -> Self::InsertCallbackId;
        fn remove_on_insert(&self, id: Self::InsertCallbackId);
    }
    pub trait TableAccessor<Tables> { type Row; type Handle<'db> where Tables: 'db; fn get<'db>(db: &'db Tables) -> Self::Handle<'db>; }

    #[derive(Default)] pub struct QueryTableAccessor;
    #[derive(Default)] pub struct QueryBuilder { pub from: QueryTableAccessor }
    pub mod __query_builder {
        use std::marker::PhantomData;
        pub struct Table<Row>(PhantomData<fn() -> Row>);
        pub struct Query<Row>(PhantomData<fn() -> Row>);
        pub struct Condition;
        impl<Row: HasCols> Table<Row> {
            pub fn new(_: &'static str) -> Self { Table(PhantomData) }
            pub fn r#where(self, _: impl Fn(&Row::Cols) -> Condition) -> Query<Row> { Query(PhantomData) }
        }
        pub struct Col<Row, T>(PhantomData<fn() -> (Row, T)>);
        impl<Row, T> Col<Row, T> {
            pub fn new(_: &'static str, _: &'static str) -> Self { Col(PhantomData) }
            pub fn eq(&self, _: T) -> Condition { Condition }
            pub fn gt(&self, _: T) -> Condition { Condition }
        }
        pub struct IxCol<Row, T>(PhantomData<fn() -> (Row, T)>);
        impl<Row, T> IxCol<Row, T> { pub fn new(_: &'static str, _: &'static str) -> Self { IxCol(PhantomData) } }
        pub trait HasCols { type Cols; fn cols(table: &'static str) -> Self::Cols; }
        pub trait HasIxCols { type IxCols; fn ix_cols(table: &'static str) -> Self::IxCols; }
        pub trait CanBeLookupTable: HasIxCols {}
    }
}
