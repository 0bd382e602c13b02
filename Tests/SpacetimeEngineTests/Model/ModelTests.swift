import SpacetimeSchema
import Testing

@testable import SpacetimeEngine

/// Random transactions against a naive model. A failure names its seed: run again with SPACETIME_SEED set to it.
@Suite struct ModelTests {
    @Test(arguments: ModelShape.all)
    func engineAgreesWithTheModel(_ shape: ModelShape) throws {
        let operations = modelOperations * 3 / 4 / ModelShape.all.count
        try ModelRun([shape], seed: freshSeed("model of \(shape.schema.name)")).run(operations)
    }

    @Test func engineAgreesWithTheModelOverManyTables() throws {
        var shapes = ModelShape.all
        for i in shapes.indices { shapes[i].rowLimit = min(shapes[i].rowLimit, 60) }
        try ModelRun(shapes, seed: freshSeed("model of all tables")).run(modelOperations / 4)
    }
}
