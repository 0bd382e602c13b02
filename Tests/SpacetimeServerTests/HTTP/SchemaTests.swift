import HTTPTypes
import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import Testing

@testable import SpacetimeServer

/// Schemas, as generators of client code read them.
@Suite struct SchemaRouteTests {
    static let user =
        #"{"Product":{"elements":[{"name":{"some":"id"},"algebraic_type":{"U32":[]}},{"name":{"some":"name"},"algebraic_type":{"String":[]}}]}}"#

    @Test(arguments: ["", "?version=8", "?version=11", "?version=", "?version=ten"])
    func theVersionHasToBeOneThatIsKnown(query: String) async throws {
        #expect(try await TestServer().send(.get, "/v1/database/arena/schema\(query)").status == 400)
    }

    func section(_ name: String, of json: JSON) -> JSON? {
        json["sections"]?.arrayValue?.compactMap { $0[name] }.first
    }

    @Test func versionTenIsThatOfTheWorkedExample() async throws {
        let reply = try await TestServer().send(.get, "/v1/database/arena/schema?version=10")
        #expect(reply.status == 200)
        #expect(reply.type == "application/json")
        let json = try reply.json
        let keys = json["sections"]?.arrayValue?.compactMap { section -> String? in
            if case .object(let members) = section { members.first?.key } else { nil }
        }
        #expect(
            keys == ["Typespace", "Types", "Tables", "Reducers", "Procedures", "LifeCycleReducers", "ExplicitNames"])
        #expect(section("Typespace", of: json)?["types"]?.arrayValue?.contains(try JSON(parsing: Self.user)) == true)

        let tables = try #require(section("Tables", of: json)?.arrayValue)
        #expect(tables.map { $0["source_name"]?.stringValue } == ["User", "Score", "Ping"])
        #expect(tables.map { $0["is_event"] } == [.bool(false), .bool(false), .bool(true)])
        #expect(tables[1]["primary_key"]?.description == "[0]")
        #expect(tables[1]["table_access"]?.description == #"{"Public":[]}"#)
        let types = try #require(section("Types", of: json)?.arrayValue)
        #expect(
            Set(types.map(\.description)).isSuperset(of: [
                #"{"source_name":{"scope":[],"source_name":"User"},"ty":\#(tables[0]["product_type_ref"] ?? .null),"custom_ordering":true}"#
            ]), "\(types)")

        #expect(
            section("Reducers", of: json)?.arrayValue?.first { $0["source_name"] == .string("addUser") }?.description
                == #"{"source_name":"addUser","params":{"elements":[{"name":{"some":"id"},"algebraic_type":{"U32":[]}},{"name":{"some":"name"},"algebraic_type":{"String":[]}}]},"visibility":{"ClientCallable":[]},"ok_return_type":{"Product":{"elements":[]}},"err_return_type":{"String":[]}}"#
        )
        #expect(
            section("Procedures", of: json)?.description
                == #"[{"source_name":"sum","params":{"elements":[{"name":{"some":"a"},"algebraic_type":{"U32":[]}},{"name":{"some":"b"},"algebraic_type":{"U32":[]}}]},"return_type":{"U64":[]},"visibility":{"ClientCallable":[]}}]"#
        )
        #expect(
            section("LifeCycleReducers", of: json)?.description
                == #"[{"lifecycle_spec":{"OnConnect":[]},"function_name":"client_connected"}]"#)
        let names = try #require(section("ExplicitNames", of: json)?["entries"]?.arrayValue)
        #expect(names.contains(try JSON(parsing: #"{"Table":{"source_name":"User","canonical_name":"user"}}"#)))
        #expect(
            names.contains(try JSON(parsing: #"{"Function":{"source_name":"addUser","canonical_name":"add_user"}}"#)))
    }

    @Test func versionNineHasCanonicalNamesOnly() async throws {
        let json = try await TestServer().send(.get, "/v1/database/arena/schema?version=9").json
        guard case .object(let members) = json else {
            Issue.record("\(json)")
            return
        }
        #expect(
            members.map(\.key) == ["typespace", "tables", "reducers", "types", "misc_exports", "row_level_security"])
        let tables = try #require(json["tables"]?.arrayValue)
        #expect(tables.map { $0["name"]?.stringValue } == ["user", "score", "ping"])
        #expect(
            tables[1]["constraints"]?.description
                == #"[{"name":{"some":"score_user_id_key"},"data":{"Unique":{"columns":[0]}}}]"#)
        #expect(tables[1]["indexes"]?.arrayValue?.first?["accessor_name"]?["some"] == .string("userId"))
        #expect(tables[0]["schedule"]?.description == #"{"none":[]}"#)
        let reducers = try #require(json["reducers"]?.arrayValue)
        #expect(
            reducers.first { $0["name"] == .string("client_connected") }?.description
                == #"{"name":"client_connected","params":{"elements":[]},"lifecycle":{"some":{"OnConnect":[]}}}"#)
        #expect(reducers.contains { $0["name"] == .string("add_user") })
        #expect(
            json["misc_exports"]?.arrayValue?.first?["Procedure"]?["return_type"]?.description == #"{"U64":[]}"#)
    }

    @Test func whatIsPrivateIsSaidToBe() async throws {
        let json = try await TestServer().send(.get, "/v1/database/vault/schema?version=10").json
        let reducers = section("Reducers", of: json)?.arrayValue ?? []
        #expect(
            reducers.first { $0["source_name"] == .string("hide") }?["visibility"]?.description == #"{"Private":[]}"#)
        let tables = section("Tables", of: json)?.arrayValue ?? []
        let secret = tables.first { $0["source_name"] == .string("Secret") }
        #expect(secret?["table_access"]?.description == #"{"Private":[]}"#)
        #expect(secret?["sequences"]?.arrayValue?.count == 1)
        #expect(
            section("HttpRoutes", of: json)?.description
                == #"[{"handler_function":"echo","method":{"Method":{"Get":[]}},"path":"/echo"},{"handler_function":"root","method":{"Any":[]},"path":""},{"handler_function":"slash","method":{"Method":{"Post":[]}},"path":"/"},{"handler_function":"broken","method":{"Method":{"Get":[]}},"path":"/broken"},{"handler_function":"status","method":{"Method":{"Get":[]}},"path":"/status"}]"#
        )
        #expect(section("HttpHandlers", of: json)?.arrayValue?.count == 5)
    }
}
