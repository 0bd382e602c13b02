package import SpacetimeSATS

/// A declared type of a module.
package struct DeclaredTypeSchema: Hashable, Sendable {
    /// The name after case conversion.
    package var name: String
    /// The namespaces around the name, outermost first, after case conversion.
    package var scope: [String]
    package var sourceName: String
    package var sourceScope: [String]
    /// Position in ``ModuleSchema/typespace``.
    package var ref: UInt32
    package var hasCustomOrdering: Bool

    package init(
        name: String, scope: [String] = [], sourceName: String? = nil, sourceScope: [String]? = nil, ref: UInt32,
        hasCustomOrdering: Bool = true
    ) {
        self.name = name
        self.scope = scope
        self.sourceName = sourceName ?? name
        self.sourceScope = sourceScope ?? scope
        self.ref = ref
        self.hasCustomOrdering = hasCustomOrdering
    }
}

/// A function that answers HTTP requests. Its id is its position in ``ModuleSchema/httpHandlers``.
package struct HttpHandlerSchema: Hashable, Sendable {
    package var name: String
    package var sourceName: String

    package init(name: String, sourceName: String? = nil) {
        self.name = name
        self.sourceName = sourceName ?? name
    }
}

/// Sends requests for one path to a handler.
package struct HttpRouteSchema: Hashable, Sendable {
    /// Position in ``ModuleSchema/httpHandlers``.
    package var handler: Int
    package var method: RawMethodOrAny
    package var path: String

    package init(handler: Int, method: RawMethodOrAny, path: String) {
        self.handler = handler
        self.method = method
        self.path = path
    }
}

/// A rule of row-level security: which rows of a table clients see, as a query in SQL that nobody has parsed yet.
package struct RowRuleSchema: Hashable, Sendable {
    package var sql: String
    /// The full name of the submodule that states the rule, where its names of tables are looked for first; empty for the
    /// outermost module.
    package var namespace: String

    package init(_ sql: String, in namespace: String = "") {
        self.sql = sql
        self.namespace = namespace
    }
}

/// A module inside a module. Names of its parts are seen outside with the namespace and a dot before them.
package struct SubmoduleSchema: Hashable, Sendable {
    package var namespace: String
    package var module: ModuleSchema

    package init(namespace: String, module: ModuleSchema) {
        self.namespace = namespace
        self.module = module
    }
}

/// What a module defines, checked, named and resolved: the only form of a definition that the engine and the host
/// accept.
///
/// Lists keep the order of the definition, since positions are ids: ``reducers``, ``procedures`` and
/// ``httpHandlers`` are called by position.
package struct ModuleSchema: Hashable, Sendable {
    /// The types after case conversion; `Ref`s in ``types`` point here.
    package var typespace: Typespace
    /// The types as the module wrote them, at the same positions.
    package var sourceTypespace: Typespace
    package var types: [DeclaredTypeSchema]
    package var tables: [TableSchema]
    package var reducers: [ReducerSchema]
    package var procedures: [ProcedureSchema]
    package var views: [ViewSchema]
    /// Each once, in order of first appearance.
    package var rowLevelSecurity: [RowRuleSchema]
    package var httpHandlers: [HttpHandlerSchema]
    package var httpRoutes: [HttpRouteSchema]
    /// None in what a database runs, which is ``flattened()``.
    package var submodules: [SubmoduleSchema]

    /// Takes the parts as they are. Definitions from outside go through ``init(validating:options:)``.
    package init(
        typespace: Typespace = Typespace(), sourceTypespace: Typespace? = nil,
        types: [DeclaredTypeSchema] = [], tables: [TableSchema] = [], reducers: [ReducerSchema] = [],
        procedures: [ProcedureSchema] = [], views: [ViewSchema] = [], rowLevelSecurity: [RowRuleSchema] = [],
        httpHandlers: [HttpHandlerSchema] = [], httpRoutes: [HttpRouteSchema] = [],
        submodules: [SubmoduleSchema] = []
    ) {
        self.typespace = typespace
        self.sourceTypespace = sourceTypespace ?? typespace
        self.types = types
        self.tables = tables
        self.reducers = reducers
        self.procedures = procedures
        self.views = views
        self.rowLevelSecurity = rowLevelSecurity
        self.httpHandlers = httpHandlers
        self.httpRoutes = httpRoutes
        self.submodules = submodules
    }

    /// The table of that canonical name, else of that source name. Linear in the number of tables.
    package func table(named name: String) -> TableSchema? {
        tables.first { $0.name == name } ?? tables.first { $0.sourceName == name }
    }

    /// The reducer that the host calls at that moment, and its id.
    package func reducer(for lifecycle: Lifecycle) -> (id: Int, reducer: ReducerSchema)? {
        reducers.firstIndex { $0.lifecycle == lifecycle }.map { ($0, reducers[$0]) }
    }
}
