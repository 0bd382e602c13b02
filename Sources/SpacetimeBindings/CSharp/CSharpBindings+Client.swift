extension CSharpBindings {
    /// The file that connects everything.
    mutating func client(_ model: BindingModel) {
        let tables = model.tables.map { table in
            (
                member: CSharpNames.member(table.sourceName, in: "RemoteTables", not: CSharpNames.fieldMembers),
                name: NameStyle.pascal.name(table.sourceName), table: table,
                row: names.own(model.types[table.row].pascalName)
            )
        }
        let reducers = model.reducers.filter { !$0.isLifecycle }
        var scope = NameScope("what calls reducers")
        for reducer in reducers {
            let name = reducerName(reducer)
            for member in [name, "On" + name, "Invoke" + name, name + "Handler"] {
                scope.claim(member, for: "reducer '\(reducer.sourceName)'", &report)
            }
        }
        var source = begun()
        source.line("// For the package SpacetimeDB.ClientSDK 2.8.")
        source.open("public sealed partial class RemoteTables : \(CSharpNames.library)RemoteTablesBase")
        source.dedent()
        source.open("{")
        for table in tables { source.line("public readonly \(table.member)Handle \(table.member);") }
        if !tables.isEmpty { source.line() }
        source.open("public RemoteTables(\(names.own("DbConnection")) conn)")
        source.dedent()
        source.open("{")
        for table in tables { source.line("AddTable(\(table.member) = new \(table.member)Handle(conn));") }
        source.close()
        source.close()
        source.line()
        source.add(replaced(Self.remotes))
        source.line()
        source.open("public sealed class QueryBuilder")
        source.dedent()
        source.open("{")
        source.line("public \(names.own("From")) From { get; } = new \(names.own("From"))();")
        source.line()
        source.open("internal static string[] AllTables()")
        source.dedent()
        source.open("{")
        source.line("var from = new \(names.own("From"))();")
        source.open("return new string[] {")
        for table in tables where table.table.parameters.isEmpty {
            // The SDK would put the whole of such a name between one pair of quotes.
            source.line(
                table.table.isOfSubmodule
                    ? CSharpNames.quoted("SELECT * FROM \(table.table.wireName)") + ","
                    : "from.\(fromName(table.name))().ToSql(),")
        }
        source.close("};")
        source.close()
        source.close()
        source.line()
        source.open("public sealed class From")
        source.dedent()
        source.open("{")
        for table in tables where table.table.parameters.isEmpty {
            let (columns, indexed) = (names.own(table.name + "Cols"), names.own(table.name + "IxCols"))
            let type = "\(CSharpNames.library)Table<\(table.row), \(columns), \(indexed)>"
            let wireName = CSharpNames.quoted(table.table.wireName)
            source.line("public \(type) \(fromName(table.name))() =>")
            source.line("    new \(type)(\(wireName), new \(columns)(\(wireName)), new \(indexed)(\(wireName)));")
        }
        source.close()
        source.line()
        source.add(replaced(Self.subscriptions))
        source.line()
        source.add(replaced(Self.connection).replacing("DISPATCH", with: dispatch(reducers)))
        add("SpacetimeDBClient.g.cs", source)
    }

    private func fromName(_ name: String) -> String {
        name == "From" || CSharpNames.fieldMembers.contains(name) ? name + "_" : name
    }

    private func dispatch(_ reducers: [BindingModel.Function]) -> String {
        let arms = reducers.map { reducer -> String in
            let name = reducerName(reducer)
            return "\(names.own("Reducer.\(name)")) args => "
                + "Reducers.Invoke\(name)((\(names.own("ReducerEventContext")))context, args),"
        }
        return (arms + ["_ => throw new global::System.ArgumentOutOfRangeException(nameof(reducer)),"])
            .joined(separator: "\n            ")
    }

    /// `OWN:` is the module's namespace, `SDK:` the SDK's, `SYS:` the system's.
    private func replaced(_ text: String) -> String {
        text.replacing("OWN:", with: names.own("")).replacing("SDK:", with: CSharpNames.library)
            .replacing("SYS:", with: "global::System.")
    }

    // MARK: What is the same for every module

    private static let remotes = """
        public sealed partial class RemoteReducers : SDK:RemoteBase
        {
            internal event SYS:Action<OWN:ReducerEventContext, SYS:Exception>? UnhandledError;

            internal RemoteReducers(OWN:DbConnection conn) : base(conn) { }

            private void Unhandled(OWN:ReducerEventContext ctx)
            {
                if (ctx.Event.Status is SDK:Status.Failed(var why))
                {
                    UnhandledError?.Invoke(ctx, new SYS:Exception(why));
                }
                else if (ctx.Event.Status is SDK:Status.OutOfEnergy)
                {
                    UnhandledError?.Invoke(ctx, new SYS:Exception("out of energy"));
                }
            }
        }

        public abstract partial class Reducer
        {
            private Reducer() { }
        }

        public sealed partial class RemoteProcedures : SDK:RemoteBase
        {
            internal RemoteProcedures(OWN:DbConnection conn) : base(conn) { }
        }

        public abstract partial class Procedure
        {
            private Procedure() { }
        }

        public interface IRemoteDbContext : SDK:IDbContext<OWN:RemoteTables, OWN:RemoteReducers, OWN:SubscriptionBuilder, OWN:RemoteProcedures>
        {
            event SYS:Action<OWN:ReducerEventContext, SYS:Exception>? OnUnhandledReducerError;
        }

        public abstract class RemoteContext : OWN:IRemoteDbContext
        {
            private readonly OWN:DbConnection conn;

            private protected RemoteContext(OWN:DbConnection conn) { this.conn = conn; }

            public OWN:RemoteTables Db => conn.Db;
            public OWN:RemoteReducers Reducers => conn.Reducers;
            public OWN:RemoteProcedures Procedures => conn.Procedures;
            public bool IsActive => conn.IsActive;
            public SDK:Identity? Identity => conn.Identity;
            public SDK:ConnectionId ConnectionId => conn.ConnectionId;
            public void Disconnect() => conn.Disconnect();
            public OWN:SubscriptionBuilder SubscriptionBuilder() => conn.SubscriptionBuilder();
            public event SYS:Action<OWN:ReducerEventContext, SYS:Exception>? OnUnhandledReducerError
            {
                add => Reducers.UnhandledError += value;
                remove => Reducers.UnhandledError -= value;
            }
        }

        public sealed class EventContext : OWN:RemoteContext, SDK:IEventContext
        {
            public readonly SDK:Event<OWN:Reducer> Event;

            internal EventContext(OWN:DbConnection conn, SDK:Event<OWN:Reducer> e) : base(conn) { Event = e; }
        }

        public sealed class ReducerEventContext : OWN:RemoteContext, SDK:IReducerEventContext
        {
            public readonly SDK:ReducerEvent<OWN:Reducer> Event;

            internal ReducerEventContext(OWN:DbConnection conn, SDK:ReducerEvent<OWN:Reducer> e) : base(conn) { Event = e; }
        }

        public sealed class ProcedureEventContext : OWN:RemoteContext, SDK:IProcedureEventContext
        {
            public readonly SDK:ProcedureEvent Event;

            internal ProcedureEventContext(OWN:DbConnection conn, SDK:ProcedureEvent e) : base(conn) { Event = e; }
        }

        public sealed class SubscriptionEventContext : OWN:RemoteContext, SDK:ISubscriptionEventContext
        {
            internal SubscriptionEventContext(OWN:DbConnection conn) : base(conn) { }
        }

        public sealed class ErrorContext : OWN:RemoteContext, SDK:IErrorContext
        {
            public readonly SYS:Exception Event;
            SYS:Exception SDK:IErrorContext.Event => Event;

            internal ErrorContext(OWN:DbConnection conn, SYS:Exception e) : base(conn) { Event = e; }
        }
        """

    private static let subscriptions = """
        public sealed class SubscriptionBuilder
        {
            private readonly SDK:IDbConnection conn;
            private SYS:Action<OWN:SubscriptionEventContext>? applied;
            private SYS:Action<OWN:ErrorContext, SYS:Exception>? error;

            public SubscriptionBuilder(SDK:IDbConnection conn) { this.conn = conn; }

            public SubscriptionBuilder OnApplied(SYS:Action<OWN:SubscriptionEventContext> f) { applied += f; return this; }
            public SubscriptionBuilder OnError(SYS:Action<OWN:ErrorContext, SYS:Exception> f) { error += f; return this; }
            public OWN:SubscriptionHandle Subscribe(string[] sql) => new OWN:SubscriptionHandle(conn, applied, error, sql);
            public OWN:SubscriptionHandle SubscribeToAllTables() => Subscribe(OWN:QueryBuilder.AllTables());
            public OWN:TypedSubscriptionBuilder AddQuery<TRow>(SYS:Func<OWN:QueryBuilder, SDK:IQuery<TRow>> build) =>
                new OWN:TypedSubscriptionBuilder(conn, applied, error).AddQuery(build);
        }

        public sealed class TypedSubscriptionBuilder
        {
            private readonly SDK:IDbConnection conn;
            private readonly SYS:Collections.Generic.List<string> sql = new SYS:Collections.Generic.List<string>();
            private SYS:Action<OWN:SubscriptionEventContext>? applied;
            private SYS:Action<OWN:ErrorContext, SYS:Exception>? error;

            internal TypedSubscriptionBuilder(
                SDK:IDbConnection conn, SYS:Action<OWN:SubscriptionEventContext>? applied, SYS:Action<OWN:ErrorContext, SYS:Exception>? error)
            {
                this.conn = conn;
                this.applied = applied;
                this.error = error;
            }

            public TypedSubscriptionBuilder OnApplied(SYS:Action<OWN:SubscriptionEventContext> f) { applied += f; return this; }
            public TypedSubscriptionBuilder OnError(SYS:Action<OWN:ErrorContext, SYS:Exception> f) { error += f; return this; }
            public TypedSubscriptionBuilder AddQuery<TRow>(SYS:Func<OWN:QueryBuilder, SDK:IQuery<TRow>> build)
            {
                sql.Add(build(new OWN:QueryBuilder()).ToSql());
                return this;
            }
            public OWN:SubscriptionHandle Subscribe() => new OWN:SubscriptionHandle(conn, applied, error, sql.ToArray());
        }

        public sealed class SubscriptionHandle : SDK:SubscriptionHandleBase<OWN:SubscriptionEventContext, OWN:ErrorContext>
        {
            public SubscriptionHandle(
                SDK:IDbConnection conn, SYS:Action<OWN:SubscriptionEventContext>? applied,
                SYS:Action<OWN:ErrorContext, SYS:Exception>? error, string[] sql)
                : base(conn, applied, error, sql) { }
        }
        """

    private static let connection = """
        public sealed class DbConnection : SDK:DbConnectionBase<OWN:DbConnection, OWN:RemoteTables, OWN:Reducer>
        {
            public override OWN:RemoteTables Db { get; }
            public readonly OWN:RemoteReducers Reducers;
            public readonly OWN:RemoteProcedures Procedures;

            public DbConnection()
            {
                Db = new OWN:RemoteTables(this);
                Reducers = new OWN:RemoteReducers(this);
                Procedures = new OWN:RemoteProcedures(this);
            }

            protected override SDK:IEventContext ToEventContext(SDK:Event<OWN:Reducer> e) => new OWN:EventContext(this, e);
            protected override SDK:IReducerEventContext ToReducerEventContext(SDK:ReducerEvent<OWN:Reducer> e) => new OWN:ReducerEventContext(this, e);
            protected override SDK:ISubscriptionEventContext MakeSubscriptionEventContext() => new OWN:SubscriptionEventContext(this);
            protected override SDK:IErrorContext ToErrorContext(SYS:Exception e) => new OWN:ErrorContext(this, e);
            protected override SDK:IProcedureEventContext ToProcedureEventContext(SDK:ProcedureEvent e) => new OWN:ProcedureEventContext(this, e);
            protected override bool Dispatch(SDK:IReducerEventContext context, OWN:Reducer reducer) => reducer switch
            {
                DISPATCH
            };

            public OWN:SubscriptionBuilder SubscriptionBuilder() => new OWN:SubscriptionBuilder(this);
            public event SYS:Action<OWN:ReducerEventContext, SYS:Exception>? OnUnhandledReducerError
            {
                add => Reducers.UnhandledError += value;
                remove => Reducers.UnhandledError -= value;
            }
        }
        """
}
