import SpacetimeSATS
import Testing

@testable import SpacetimeSchema

/// Definitions that servers publish, read back by clients.
@Suite struct DefinitionReadingTests {
    @Test func aPublishedDefinitionReadsBackAsItIs() throws {
        let text = try PublishingTests.published().description
        #expect(try RawModuleDefV10(json: try JSON(parsing: text)).json.description == text)
    }

    @Test func withCanonicalNamesItMeansTheSame() throws {
        let original = try ModuleSchema(validating: PublishingTests.raw)
        let published = try RawModuleDefV10(json: try PublishingTests.published())
        let read = try ModuleSchema(validating: published.withCanonicalNames(), options: .stored)
        #expect(read.tables.map(\.name) == original.tables.map(\.name))
        #expect(read.tables.map(\.columns.count) == original.tables.map(\.columns.count))
        for (table, other) in zip(read.tables, original.tables) {
            #expect(table.columns.map(\.name) == other.columns.map(\.name))
            #expect(table.columns.map(\.type) == other.columns.map(\.type))
            #expect(table.indexes.map(\.name) == other.indexes.map(\.name))
            #expect(table.schedule?.functionName == other.schedule?.functionName)
            #expect(table.access == other.access)
        }
        #expect(read.reducers.map(\.name) == original.reducers.map(\.name))
        #expect(read.reducers.map(\.lifecycle) == original.reducers.map(\.lifecycle))
        #expect(
            read.reducers.map { $0.parameters.map(\.name) } == original.reducers.map { $0.parameters.map(\.clientName) }
        )
        #expect(read.views.map(\.name) == original.views.map(\.name))
        #expect(read.views.map(\.primaryKey) == original.views.map(\.primaryKey))
        #expect(read.httpRoutes.map(\.path) == original.httpRoutes.map(\.path))
        #expect(read.submodules.map(\.namespace) == original.submodules.map(\.namespace))
    }

    @Test func sectionsOfLaterVersionsArePassedOver() throws {
        let read = try RawModuleDefV10(json: try JSON(parsing: #"{"sections":[{"Dreams":[1]},{"Reducers":[]}]}"#))
        #expect(read.sections == [.reducers([])])
    }

    @Test(arguments: [
        "[]", "{}", #"{"sections":{}}"#, #"{"sections":[1]}"#, #"{"sections":[{}]}"#, #"{"sections":[{"Tables":{}}]}"#,
        #"{"sections":[{"Tables":[{}]}]}"#, #"{"sections":[{"Typespace":{"types":[{"U9":[]}]}}]}"#,
        #"{"sections":[{"Typespace":{"types":[{"Ref":-1}]}}]}"#,
        #"{"sections":[{"Typespace":{"types":[{"Sum":{"variants":[{"name":"x"}]}}]}}]}"#,
        #"{"sections":[{"LifeCycleReducers":[{"lifecycle_spec":{"Never":[]},"function_name":"x"}]}]}"#,
        #"{"sections":[{"HttpRoutes":[{"handler_function":"x","method":{"Method":{"Fly":[]}},"path":"/"}]}]}"#,
        #"{"sections":[{"Reducers":[{"source_name":"x","params":{"elements":[]},"visibility":{"Odd":[]}}]}]}"#,
    ]) func whatIsNoDefinitionIsRefused(text: String) throws {
        let json = try JSON(parsing: text)
        #expect(throws: JSONError.self) { try RawModuleDefV10(json: json) }
    }
}
