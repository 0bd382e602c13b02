package import SpacetimeEngine
import SpacetimeSATS
package import SpacetimeSchema

/// What planning knows of a table. It never changes while a database is open.
package struct PlannedTable: Sendable {
    package let id: TableID
    package let schema: TableSchema
    package let indexes: [PlannedIndex]

    /// - Parameter indexIDs: those of the schema's indexes, in their order.
    package init(id: TableID, schema: TableSchema, indexIDs: [IndexID]) {
        self.id = id
        self.schema = schema
        indexes = zip(indexIDs, schema.indexes).map { PlannedIndex(id: $0, schema: $1, table: schema) }
    }

    package func index(_ id: IndexID) -> PlannedIndex? { indexes.first { $0.id == id } }

    /// The name of a field, for people.
    package func name(of path: FieldPath) -> String {
        guard let column = schema.column(path.column) else { return "#\(path.column)" }
        var name = column.name
        var type = column.type
        for step in path.steps {
            switch step {
            case .field(let position):
                let field =
                    type.productType?.elements.indices.contains(position) == true
                    ? type.productType?.elements[position] : nil
                name += ".\(field?.name ?? "\(position)")"
                type = field?.algebraicType ?? .unit
            case .payload(let tag):
                let variant =
                    type.sumType?.variants.indices.contains(Int(tag)) == true
                    ? type.sumType?.variants[Int(tag)] : nil
                // The value of an option goes by the name of the option.
                if type.optionPayload == nil { name += ".\(variant?.name ?? "\(tag)")" }
                type = variant?.algebraicType ?? .unit
            }
        }
        return name
    }
}

/// What planning knows of an index.
package struct PlannedIndex: Sendable {
    package let id: IndexID
    package let name: String
    package let columns: [ColumnID]
    package let isUnique: Bool
    /// False if it finds whole keys only.
    package let isOrdered: Bool
    /// Of its columns.
    let types: [AlgebraicType]
    /// Which of its columns are optional.
    let isOption: [Bool]

    init(id: IndexID, schema: IndexSchema, table: TableSchema) {
        self.id = id
        name = schema.name
        columns = schema.columns
        isUnique = schema.isUnique
        isOrdered = schema.algorithm != .hash
        types = schema.columns.map { table.column($0)?.type ?? .unit }
        isOption = types.map { $0.optionPayload != nil }
    }
}
