import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeHost

/// The tables that describe the database itself.
@Suite struct SystemTableTests {
    private func rows(_ name: String, of core: DatabaseCore) throws -> [[AlgebraicValue]] {
        let table = try #require(core.catalog.tables.table(named: name, isOwner: true))
        return try core.rows(of: table.id).map { bytes in
            guard case .product(let values) = try AlgebraicValue(bsatn: bytes, type: .product(table.schema.rowType))
            else { return [] }
            return values
        }
    }

    private func filled() throws -> DatabaseCore {
        let core = try open(.items())
        try core.runner.fillSystemTables()
        return core
    }

    @Test func theyHaveTheIdsThatClientsKnow() throws {
        let core = try filled()
        let tables = try rows("st_table", of: core)
        #expect(
            tables.contains([
                .u32(1), .string("st_table"), .string("system"), .string("public"), .some(.array([.u16(0)])),
            ]))
        let own = tables.filter { $0[2] == .string("system") }
        #expect(own.map { $0[0] }.sorted() == (1...20).map { .u32($0) })
        let modules = tables.filter { $0[2] == .string("user") }
        #expect(modules.map { $0[1] } == core.catalog.schema.tables.map { .string($0.name) })
        #expect(modules.allSatisfy { $0[0] >= .u32(4096) })
        let hidden = tables.filter { $0[3] == .string("private") && $0[2] == .string("system") }
        #expect(hidden.map { $0[1] } == [.string("st_connection_credentials")])
    }

    @Test func theyDescribeEachColumnIndexAndConstraint() throws {
        let core = try filled()
        let id = SystemRows.publicID(of: core.items)
        let schema = core.catalog.schema.tables[0]
        let columns = try rows("st_column", of: core).filter { $0[0] == .u32(id) }
        #expect(
            columns
                == schema.columns.enumerated().map { position, column in
                    [.u32(id), .u16(UInt16(position)), .string(column.name), .bytes(column.type.bsatn())]
                })
        let indexes = try rows("st_index", of: core).filter { $0[1] == .u32(id) }
        #expect(indexes.map { $0[2] } == schema.indexes.map { .string($0.name) })
        let constraints = try rows("st_constraint", of: core).filter { $0[2] == .u32(id) }
        #expect(constraints.map { $0[1] } == schema.uniqueConstraints.map { .string($0.name) })
        #expect(try rows("st_module", of: core).count == 1)
    }

    @Test func theyAreEmptyUntilSomebodyAsks() throws {
        let core = try open(.items())
        #expect(try rows("st_table", of: core).isEmpty)
        try core.runner.fillSystemTables()
        let count = try rows("st_table", of: core).count
        try core.runner.fillSystemTables()
        #expect(try rows("st_table", of: core).count == count && count > 20)
    }

    @Test func filesKnowOnlyThoseWithDataOfTheirOwn() throws {
        let core = try filled()
        let kept = core.catalog.stored.tables.map(\.name)
        #expect(kept == ["st_client", "st_connection_credentials", "st_var"] + core.catalog.schema.tables.map(\.name))
    }
}
