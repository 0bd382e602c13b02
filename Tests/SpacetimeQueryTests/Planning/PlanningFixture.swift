import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

@testable import SpacetimeQuery

/// The tables of the specification's examples, and a few more.
struct PlanningFixture {
    let datastore = Datastore()
    let planner: Planner
    private let ids: [String: TableID]

    static let schemas: [TableSchema] = [
        TableSchema(
            name: "player",
            columns: [
                ("id", .u64), ("name", .string), ("owner", .identity), ("online", .bool), ("level", .u32),
                ("ratio", .f32), ("tag", .option(.u32)), ("blob", .bytes),
            ],
            primaryKey: [0],
            indexes: [
                IndexSchema(name: "player_owner", algorithm: .hash, columns: [2]),
                IndexSchema(name: "player_level", columns: [4]), IndexSchema(name: "player_tag", columns: [6]),
                IndexSchema(name: "player_blob", columns: [7]),
            ], uniqueConstraints: [UniqueConstraintSchema(name: "player_name_key", columns: [1])]),
        TableSchema(
            name: "item", columns: [("id", .u64), ("player_id", .u64), ("kind", .u32)], primaryKey: [0],
            indexes: [IndexSchema(name: "item_player", columns: [1])]),
        TableSchema(
            name: "grid", columns: [("id", .u64), ("x", .i32), ("z", .i32)], primaryKey: [0],
            indexes: [IndexSchema(name: "grid_x_z", columns: [1, 2])]),
        TableSchema(name: "log", columns: [("msg", .string), ("kind", .u32)]),
        TableSchema(name: "ping", columns: [("id", .u32)], isEvent: true),
        TableSchema(
            name: "signal", columns: [("id", .u32)], indexes: [IndexSchema(name: "signal_id", columns: [0])],
            isEvent: true),
        TableSchema(
            name: "wide", columns: [("w", .u8), ("x", .u8), ("y", .u8), ("z", .u8)],
            indexes: [
                IndexSchema(name: "wide_x", columns: [1]), IndexSchema(name: "wide_y_z", columns: [2, 3]),
                IndexSchema(name: "wide_x_y_z", columns: [1, 2, 3]),
            ]),
    ]

    init() throws {
        var ids: [String: TableID] = [:]
        for schema in Self.schemas { ids[schema.name] = try datastore.createTable(schema.validated()) }
        self.ids = ids
        planner = Planner(datastore)
    }

    func id(_ table: String) -> TableID { ids[table] ?? TableID(.max) }

    func index(_ name: String) -> IndexID { datastore.indexID(named: name) ?? IndexID(.max) }

    /// A field of a table at some place in the query: `field("item.kind", 1)`. An optional column stands for its payload.
    func field(_ name: String, _ slot: Int = 0, isNullable: Bool = false) -> Expression {
        .field(queryField(name, slot, isNullable: isNullable))
    }

    func queryField(_ name: String, _ slot: Int = 0, isNullable: Bool = false) -> QueryField {
        let parts = name.split(separator: ".").map(String.init)
        guard let schema = datastore.schema(of: id(parts[0])), let column = schema.columnID(named: parts[1]),
            let type = schema.column(column)?.type
        else { preconditionFailure("no column \(name)") }
        if let payload = type.optionPayload {
            return QueryField(slot: slot, path: FieldPath(column, [.payload(0)]), type: payload, isNullable: true)
        }
        return QueryField(slot: slot, path: FieldPath(column), type: type, isNullable: isNullable)
    }

    /// A query of whole rows of the first table, or of another one.
    func query(
        _ tables: [String], returning slot: Int = 0, where conditions: [Expression] = [],
        parameters: [QueryParameter] = []
    ) -> BoundQuery {
        BoundQuery(
            tables: tables.map { BoundQuery.Table(id($0)) }, conditions: conditions, output: .rows(slot: slot),
            parameters: parameters)
    }

    /// The plan as text, with ten thousand rows in each table and ten rows to a key unless said otherwise.
    func text(_ query: BoundQuery, rows: [String: Int] = [:], options: PlannerOptions = PlannerOptions()) -> String {
        let statistics = self.statistics(rows)
        return PlanDescription(planner.plan(query, statistics, options: options), planner, statistics).description
    }

    func statistics(_ rows: [String: Int] = [:]) -> FixedStatistics {
        FixedStatistics(planner, rows: Dictionary(uniqueKeysWithValues: rows.map { (id($0.key), $0.value) }))
    }

    func text(_ plan: Plan) -> String { PlanDescription(plan, planner, statistics()).description }
}

func literal(_ value: UInt64) -> Expression { .literal(value.bsatn(), .u64) }
func literal(_ value: UInt32) -> Expression { .literal(value.bsatn(), .u32) }
func literal(_ value: Int32) -> Expression { .literal(value.bsatn(), .i32) }
func literal(_ value: UInt8) -> Expression { .literal(value.bsatn(), .u8) }
func literal(_ value: String) -> Expression { .literal(value.bsatn(), .string) }

func == (left: Expression, right: Expression) -> Expression { .compare(.equal, left, right) }
func < (left: Expression, right: Expression) -> Expression { .compare(.less, left, right) }
func > (left: Expression, right: Expression) -> Expression { .compare(.greater, left, right) }
func >= (left: Expression, right: Expression) -> Expression { .compare(.greaterOrEqual, left, right) }
func <= (left: Expression, right: Expression) -> Expression { .compare(.lessOrEqual, left, right) }
