import SwiftSyntax
import SwiftSyntaxMacros

/// A `@Table` struct as the macro understands it.
struct TableModel {
    struct Column {
        let field: Field
        let defaultValue: ExprSyntax?
        let isAutoIncrement: Bool
    }

    struct Index {
        enum Kind { case plain, unique, primaryKey }

        let name: String
        let columns: [Int]
        let algorithm: String
        let kind: Kind

        var isUnique: Bool { kind != .plain }
    }

    /// The struct's name as it must be written in code.
    let typeName: String
    /// The table's name in the schema.
    let name: String
    let access: Access
    let isPublicTable: Bool
    let isEvent: Bool
    let columns: [Column]
    /// Unique single columns, then other indexed columns, then those of `.index` and so on, each as written. Generated
    /// code addresses an index by its place in this list.
    let indexes: [Index]

    var fields: [Field] { columns.map(\.field) }
    var primaryKeyIndex: Int? { indexes.firstIndex { $0.kind == .primaryKey } }
    var autoIncrement: [Int] { columns.indices.filter { columns[$0].isAutoIncrement } }
}

extension TableModel {
    /// Reads the struct and notes whatever is wrong with it. The result is meaningful only if nothing was.
    init(
        _ declaration: StructDeclSyntax, attribute: AttributeSyntax, lexicalContext: [Syntax], problems: inout Problems
    ) {
        let options = TableOptions(attribute, problems: &problems)
        let structName = declaration.name.plainName
        if ["Row", "Columns", "Handle", "PrimaryKey"].contains(structName) {
            problems.add(.reservedTypeName(structName), at: declaration.name)
        }
        if let generics = declaration.genericParameterClause {
            problems.add(.genericType(macro: "Table"), at: generics)
        }
        let fields = Field.all(in: declaration.memberBlock, problems: &problems)
        if fields.isEmpty, problems.isEmpty { problems.add(.noColumns, at: declaration.name) }

        let marked = fields.map { (field: $0, markers: Markers($0.declaration.attributes, problems: &problems)) }
        Self.check(marked, keyInOptions: options.indexes.contains { $0.kind == .primaryKey }, problems: &problems)
        var indexes = Self.columnIndexes(marked)
        let position = Dictionary(fields.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        for option in options.indexes {
            for path in option.columns where position[path.name] == nil {
                problems.add(.unknownColumn(path.name, known: fields.map(\.name)), at: path.node)
            }
            if let taken = indexes.first(where: { $0.name == option.name }) {
                problems.add(.duplicateAccessor(taken.name), at: option.node)
            }
            let columns = option.columns.compactMap { position[$0.name] }
            if option.kind != .plain, columns.count == 1, KeyTraits(fields[columns[0]].type).isUnsuitableKey {
                let field = fields[columns[0]]
                problems.add(.unsuitableKey(column: field.name, type: field.typeText), at: option.node)
            }
            let algorithm = option.kind != .plain && columns.count == 1 ? "hash" : "btree"
            indexes.append(Index(name: option.name, columns: columns, algorithm: algorithm, kind: option.kind))
        }

        typeName = declaration.name.text
        name = options.name ?? structName
        access = Access(declaration.modifiers, in: lexicalContext).inlinableIfPossible(
            fields: fields, in: lexicalContext)
        isPublicTable = options.isPublic
        isEvent = options.isEvent
        columns = marked.map {
            Column(
                field: $0.field, defaultValue: $0.markers.defaultValue,
                isAutoIncrement: $0.markers.autoIncrement != nil)
        }
        self.indexes = indexes
    }

    private static func columnIndexes(_ marked: [(field: Field, markers: Markers)]) -> [Index] {
        var unique: [Index] = []
        var plain: [Index] = []
        for (position, (field, markers)) in marked.enumerated() {
            let isKey = markers.primaryKey != nil
            if isKey || markers.unique != nil {
                // Whole keys are looked up far more often than ranges of them.
                unique.append(
                    Index(
                        name: field.name, columns: [position], algorithm: markers.algorithm ?? "hash",
                        kind: isKey ? .primaryKey : .unique))
            } else if let algorithm = markers.algorithm {
                plain.append(Index(name: field.name, columns: [position], algorithm: algorithm, kind: .plain))
            }
        }
        return unique + plain
    }

    private static func check(
        _ marked: [(field: Field, markers: Markers)], keyInOptions: Bool, problems: inout Problems
    ) {
        var hasKey = keyInOptions
        for (field, markers) in marked {
            let traits = KeyTraits(field.type)
            if let key = markers.primaryKey {
                if hasKey { problems.add(.secondPrimaryKey, at: key) }
                hasKey = true
            }
            if let key = markers.primaryKey ?? markers.unique, traits.isUnsuitableKey {
                problems.add(.unsuitableKey(column: field.name, type: field.typeText), at: key)
            }
            if let attribute = markers.autoIncrement, traits.isNotInteger {
                problems.add(.autoIncrementNeedsInteger(column: field.name, type: field.typeText), at: attribute)
            }
            if markers.algorithm == "direct", let attribute = markers.indexed, traits.isNotDirect {
                problems.add(.directIndexNeedsUnsigned(column: field.name, type: field.typeText), at: attribute)
            }
            if let attribute = markers.defaultAttribute,
                (markers.primaryKey ?? markers.unique ?? markers.autoIncrement) != nil
            {
                problems.add(.defaultWithKey(column: field.name), at: attribute)
            }
        }
    }
}

extension Access {
    /// Inlining needs everything around and inside a public type to be public, too.
    func inlinableIfPossible(fields: [Field], in lexicalContext: [Syntax]) -> Access {
        guard self == .public, fields.allSatisfy(\.isPublic) else { return self }
        let aroundIsPublic = lexicalContext.allSatisfy {
            guard let group = $0.asProtocol((any WithModifiersSyntax).self) else { return false }
            return Access(group.modifiers) == .public
        }
        return aroundIsPublic ? .publicInlinable : self
    }
}
