import SpacetimeSchema

/// What clients can use of a module: the one model that code in every language is written from.
///
/// Everything is sorted by the names in the module's source, so that the same module gives the same text.
package struct BindingModel: Sendable {
    /// A column, a field, a parameter or a variant.
    struct Field: Hashable, Sendable {
        /// What the module calls it: identifiers are made of this.
        let sourceName: String
        /// What the database calls it: this stands in texts.
        let wireName: String
        /// Of a variant without a payload, the unit type.
        let type: TypeUse
    }

    /// What a declared type is made of.
    enum Shape: Hashable, Sendable {
        case product([Field])
        case sum([Field])
    }

    /// A type that the module gave a name.
    struct DeclaredType: Hashable, Sendable {
        /// The namespaces around the name, and the name.
        let path: [String]
        let shape: Shape
        /// Whether a value can hold another one of the type, at any depth.
        var isRecursive = false

        var fields: [Field] {
            switch shape {
            case .product(let fields), .sum(let fields): fields
            }
        }

        var isSum: Bool { if case .sum = shape { true } else { false } }

        /// Whether it is a sum of names without payloads.
        var isPlainEnum: Bool { isSum && !fields.isEmpty && fields.allSatisfy { $0.type == .unit } }
    }

    /// What finds rows by columns.
    struct Index: Hashable, Sendable {
        let name: String
        /// What code calls it; nil if it is not meant to be called.
        let accessor: String?
        let columns: [Int]
        let isUnique: Bool
        let isOrdered: Bool
    }

    /// A table, or a view, which is a table without indexes.
    struct Table: Hashable, Sendable {
        var sourceName: String
        let wireName: String
        /// The type of its rows, by its position in ``BindingModel/types``.
        var row: Int
        var primaryKey: [Int] = []
        /// Sets of columns in which no two rows agree.
        var unique: [[Int]] = []
        var indexes: [Index] = []
        var isEvent = false
        var isView = false
        /// What a view is called with, which has rows of its own for each list of arguments.
        var parameters: [Field] = []
        /// Whether it was in a submodule before they were made one: see ``BindingModel/flattened()``.
        var isOfSubmodule = false

        /// The columns in which alone no two rows agree, in order.
        var uniqueColumns: [Int] { Set(unique.filter { $0.count == 1 }.map { $0[0] }).sorted() }
    }

    /// A reducer or a procedure.
    struct Function: Hashable, Sendable {
        let sourceName: String
        let wireName: String
        let parameters: [Field]
        /// What a procedure returns.
        var result = TypeUse.unit
        /// Whether the database calls it itself, and nobody else can.
        var isLifecycle = false
    }

    /// A module inside of a module.
    struct Submodule: Sendable {
        let namespace: String
        var module: BindingModel
    }

    var types: [DeclaredType] = []
    /// Tables, and behind them views.
    var tables: [Table] = []
    var reducers: [Function] = []
    var procedures: [Function] = []
    var submodules: [Submodule] = []
    /// Names of private tables that were left out, those of submodules included.
    package var skippedTables: [String] = []
    /// What else was left out, and why.
    var warnings: [String] = []

    /// The columns of a table.
    func columns(of table: Table) -> [Field] { types[table.row].fields }
}
