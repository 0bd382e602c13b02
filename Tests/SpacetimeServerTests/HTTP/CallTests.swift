import HTTPTypes
import SpacetimeHost
import SpacetimeKit
import SpacetimeProtocol
import SpacetimeSATS
import Testing

@testable import SpacetimeServer

/// Calls of reducers and procedures over HTTP.
@Suite struct CallTests {
    @Test func aCallCommits() async throws {
        let server = try TestServer()
        let reply = try await server.call("arena/call/add_user", #"[3, "Cleo"]"#)
        #expect(reply.status == 200)
        #expect(reply.bytes.isEmpty)
        #expect(reply.header("spacetime-energy-used") == "0")
        #expect(UInt64(reply.header("spacetime-execution-duration-micros") ?? "") != nil)
        #expect(try await server.arena.read { $0.user.rows.map(\.name) } == ["Cleo"])
        let named = try await server.call("arena/call/add_user", #"{"name":"Dora","id":4}"#)
        #expect(named.status == 200)
        let source = try await server.call("arena/call/addUser", #"[5,"Emil"]"#)
        #expect(source.status == 200)
        let path = "\(server.arena.identity.hex)/call/tick"
        #expect(try await server.call(path, "[]").status == 200)
    }

    @Test func aFailedReducerHasAStatusOfItsOwn() async throws {
        let server = try TestServer()
        _ = try await server.call("arena/call/add_user", #"[3,"Cleo"]"#)
        let reply = try await server.call("arena/call/add_user", #"[4,"Cleo"]"#)
        #expect(reply.status == 530)
        #expect(reply.text == "name taken")
        #expect(reply.type == "text/plain; charset=utf-8")
        #expect(reply.header("spacetime-energy-used") == "0")
        #expect(reply.header("spacetime-execution-duration-micros") != nil)
        let unique = try await server.call("arena/call/add_user", #"[3,"Dora"]"#)
        #expect(unique.status == 530)
        #expect(try await server.arena.read { $0.user.count } == 1)
    }

    @Test func aProcedureReturnsAValueWithoutNames() async throws {
        let server = try TestServer()
        let sum = try await server.call("arena/call/sum", "[2,3]")
        #expect(sum.status == 200)
        #expect(sum.type == "application/json")
        #expect(sum.text == "5")
        #expect(sum.header("spacetime-execution-duration-micros") != nil)
        #expect(sum.header("spacetime-energy-used") == nil)
        let thing = try await server.call("vault/call/describe", #"[{"some":"x"}]"#, as: server.owner)
        guard case .array(let fields) = try thing.json else {
            Issue.record("\(thing.text)")
            return
        }
        #expect(fields[0] == .number("1"))
        #expect(fields[1] == .array([.string("0x" + Arena.owner.hex)]))
        #expect(fields[3] == .array([.number("0"), .string("x")]))
        #expect(try await server.call("vault/call/describe", "[null]").text.hasSuffix(",[1,[]]]"))
    }

    @Test func aFailedProcedureIsAnErrorOfTheServer() async throws {
        let reply = try await TestServer().call("vault/call/fail", "[]")
        #expect(reply.status == 500)
        #expect(reply.text == "it went wrong")
    }

    /// Trees: references lead back to where they came from.
    @Test func theFirstProtocolKnowsTypesThatContainThemselves() {
        let typespace = Typespace([.product([("children", .array(.ref(0)))])])
        let tree = UInt32(1).bsatn() + UInt32(0).bsatn()
        #expect(V1.Text.value(tree, of: .ref(0), in: typespace) == "[[[[]]]]")
        let parameters = ProductType([("tree", .ref(0))])
        #expect(V1.Text.arguments(.bsatn(tree), of: parameters, in: typespace) == "[[[[[]]]]]")
        #expect(V1.Binary.arguments(.json("[[[[[]]]]]"), of: parameters, in: typespace) == tree)
    }

    /// A database that is closed cancels what its procedures wait for.
    @Test func aCallThatWasCancelledIsNoFailureOfItsOwn() {
        let refusal = Refusal(unavailable: CancellationError())
        #expect(refusal?.status == 503)
        #expect(refusal?.text == "the call was cancelled, since its database was closed")
        #expect(CallFailure.ofProcedure(CancellationError(), "nap") == refusal?.text)
    }

    @Test(arguments: [
        ("arena/call/add_user", "", "reducer add_user"), ("arena/call/add_user", "[3]", "reducer add_user"),
        ("arena/call/add_user", #"["3","Cleo"]"#, "reducer add_user"),
        ("arena/call/add_user", #"[3,"Cleo",1]"#, "reducer add_user"),
        ("arena/call/add_user", #"[3,"Cleo"] x"#, "reducer add_user"),
        ("arena/call/add_user", #"{"id":3}"#, "reducer add_user"), ("arena/call/sum", "[-1,0]", "procedure sum"),
    ]) func badArgumentsAreRefused(path: String, arguments: String, what: String) async throws {
        let server = try TestServer()
        let reply = try await server.call(path, arguments)
        #expect(reply.status == 400)
        #expect(reply.text.hasPrefix("invalid arguments for \(what): "), "\(reply.text)")
        #expect(reply.text.contains("; it takes ["), "\(reply.text)")
        #expect(try await server.arena.read { $0.user.count } == 0)
    }

    @Test func theContentTypeIsCompared() async throws {
        let server = try TestServer()
        let path = "/v1/database/arena/call/tick"
        #expect(try await server.send(.post, path, text: "[]").status == 400)
        for type in ["text/plain", "application/json; charset=utf-8", "Application/JSON"] {
            #expect(try await server.send(.post, path, type: type, text: "[]").status == 415)
        }
    }

    @Test func unknownFunctionsAreNotFound() async throws {
        let server = try TestServer()
        let reply = try await server.call("arena/call/none", "[]")
        #expect(reply.status == 404)
        #expect(reply.text == "No such procedure")
        #expect(try await server.call("none/call/tick", "[]").text == "`none` not found")
        #expect(try await server.call("None/call/tick", "[]").status == 400)
    }

    @Test func lifecycleReducersAreNotCalled() async throws {
        let server = try TestServer()
        let reply = try await server.call("arena/call/client_connected", "[]", as: server.owner)
        #expect(reply.status == 400)
        #expect(reply.text == "can't directly call special OnConnect lifecycle reducer")
        let left = try await server.call("vault/call/left", "[]")
        #expect(left.text == "can't directly call special OnDisconnect lifecycle reducer")
    }

    @Test func privateFunctionsExistForTheOwnerAlone() async throws {
        let server = try TestServer()
        for (function, arguments) in [("hide", #"["x"]"#), ("reveal", "[]")] {
            let stranger = try await server.call("vault/call/\(function)", arguments, as: server.token("other"))
            #expect(stranger.status == 404)
            #expect(stranger.text == "No such procedure")
        }
        #expect(try await server.call("vault/call/hide", #"["x"]"#, as: server.owner).status == 200)
        #expect(try await server.call("vault/call/reveal", "[]", as: server.owner).text == #"["x"]"#)
    }

    // MARK: The client's coming and going

    @Test func theClientIsConnectedForTheTimeOfTheCall() async throws {
        let server = try TestServer()
        for (function, arguments) in [("put_thing", "[1,null]"), ("put_thing", "[1,null]"), ("fail", "[]")] {
            _ = try await server.call("vault/call/\(function)", arguments, as: server.token("guest"))
        }
        let guest = Identity(issuer: "localhost", subject: "guest")
        let visits = try await server.vault.read { $0.visit.rows.sorted { $0.id < $1.id } }
        #expect(visits.map(\.hasLeft) == [false, true, false, true, false, true])
        #expect(visits.allSatisfy { $0.visitor == guest })
        let left = try await server.send(
            .post, "/v1/database/vault/sql", as: server.owner, text: "SELECT * FROM st_connection_credentials")
        #expect(try left.json.arrayValue?.first?["rows"]?.arrayValue?.count == 1, "only the asking one is left")
    }

    @Test func aClientThatIsNotWelcomeCallsNothing() async throws {
        let server = try TestServer()
        let token = server.token("banned")
        let reply = try await server.call("vault/call/put_thing", "[1,null]", as: token)
        #expect(reply.status == 403)
        #expect(reply.text == "you are not welcome")
        #expect(reply.header("spacetime-identity") == Vault.banned.hex)
        let query = try await server.send(.post, "/v1/database/vault/sql", as: token, text: "SELECT * FROM thing")
        #expect(query.status == 403)
        #expect(try await server.vault.read { $0.thing.count } == 0)
        #expect(try await server.vault.read { $0.visit.count } == 0)
    }

    @Test func aCallIsFinishedWhoeverWaits() async throws {
        let server = try TestServer()
        let call = Task { try await server.call("vault/call/put_thing", "[1,null]", as: server.token("guest")) }
        call.cancel()
        _ = try await call.value
        #expect(try await server.vault.read { $0.thing.count } == 1)
        #expect(try await server.vault.read { $0.visit.rows.map(\.hasLeft) } == [false, true])
    }

    @Test func aClosedDatabaseTakesNoCalls() async throws {
        let server = try TestServer()
        try await server.arena.close()
        let reply = try await server.call("arena/call/tick", "[]")
        #expect(reply.status == 503)
        #expect(reply.text.contains("closed"))
    }

    @Test func compressedBodiesAreRefused() async throws {
        let server = try TestServer()
        for (encoding, status) in [("gzip", 415), ("br", 415), ("Identity", 200)] {
            let headers: HTTPFields = [.contentEncoding: encoding]
            let call = try await server.send(
                .post, "/v1/database/arena/call/tick", type: "application/json", headers: headers,
                body: Array("[]".utf8))
            let sql = try await server.send(
                .post, "/v1/database/arena/sql", headers: headers, body: Array("SELECT * FROM user".utf8))
            for reply in [call, sql] {
                #expect(reply.status == status)
                #expect(status == 200 || reply.text == "the content encoding is '\(encoding)'; send the body as it is")
            }
        }
    }
}
