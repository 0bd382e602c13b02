import SpacetimeProtocol
import SpacetimeSATS
import Testing

@Suite struct V1TextTests {
    private func message(
        _ text: String, limits: ProtocolLimits = ProtocolLimits()
    ) throws(ProtocolError) -> V1.ClientMessage {
        try V1.ClientMessage(text: [UInt8](text.utf8), limits: limits)
    }

    private func error(_ text: String, limits: ProtocolLimits = ProtocolLimits()) -> ProtocolError? {
        do {
            _ = try message(text, limits: limits)
            return nil
        } catch { return error }
    }

    /// A reader takes more forms than a writer makes.
    @Test(arguments: [
        #"{"SubscribeSingle":{"query":"q","request_id":1,"query_id":{"id":2}}}"#,
        #" { "SubscribeSingle" : { "query_id" : { "id" : 2 } , "request_id" : 1 , "query" : "q" } } "#,
        #"{"3":{"query":"q","request_id":1,"query_id":[2]}}"#,
        #"[3,["q",1,[2]]]"#,
        #"["SubscribeSingle",["\u0071",1,{"id":2}]]"#,
    ])
    func allSpellingsAreTaken(_ text: String) throws {
        #expect(try message(text) == .subscribeSingle(query: "q", requestID: 1, queryID: 2))
    }

    @Test func bytesAreDigitsOrNumbers() throws {
        let expected = V1.ClientMessage.oneOffQuery(messageID: [0xa1, 0, 255], query: "q")
        #expect(try message(#"{"OneOffQuery":{"message_id":"a100ff","query_string":"q"}}"#) == expected)
        #expect(try message(#"{"OneOffQuery":{"message_id":"A100FF","query_string":"q"}}"#) == expected)
        #expect(try message(#"{"OneOffQuery":{"message_id":[161,0,255],"query_string":"q"}}"#) == expected)
    }

    @Test(arguments: [
        "null", "[]", "{}", "3", #""Subscribe""#, #"{"Subscribe":{"query_strings":[]}}"#,
        #"{"Subscribe":{"query_strings":[],"request_id":-1}}"#, #"{"Subscribe":{"query_strings":[],"request_id":1.0}}"#,
        #"{"Subscribe":{"query_strings":[],"request_id":4294967296}}"#,
        #"{"Subscribe":{"query_strings":[],"request_id":"1"}}"#,
        #"{"Subscribe":{"query_strings":null,"request_id":1}}"#,
        #"{"Subscribe":{"query_strings":[1],"request_id":1}}"#,
        #"{"Subscribe":{"query_strings":[],"request_id":1,"more":1}}"#,
        #"{"Subscribe":{"query_strings":[],"request_id":1,"request_id":1}}"#,
        #"{"Subscribe":{"query_strings":[],"request_id":1},"Unsubscribe":{}}"#,
        #"{"subscribe":{"query_strings":[],"request_id":1}}"#, #"{"8":[]}"#, #"[8,[]]"#,
        #"{"Subscribe":{"query_strings":[],"request_id":1}}x"#,
        #"{"CallReducer":{"reducer":"tick","args":[],"request_id":1,"flags":0}}"#,
        #"{"OneOffQuery":{"message_id":"a1b","query_string":"q"}}"#,
        #"{"OneOffQuery":{"message_id":[256],"query_string":"q"}}"#,
    ])
    func otherTextsAreRefused(_ text: String) {
        guard case .malformedText = error(text) else {
            Issue.record("\(text): \(String(describing: error(text)))")
            return
        }
    }

    @Test func emptyTextsAreRefused() { #expect(error("") == .emptyPayload) }

    @Test func textsAreUTF8() {
        let bytes = [UInt8](#"{"Subscribe":{"query_strings":["#.utf8) + [0x22, 0xc3, 0x28, 0x22]
        #expect(throws: ProtocolError.malformedText(.syntax(at: 31, expected: "UTF-8"))) {
            try V1.ClientMessage(text: bytes + [UInt8](#"],"request_id":1}}"#.utf8))
        }
    }

    @Test func flagsBeyondTheKnownAreRefused() {
        func call(_ kind: String, _ name: String, _ flags: Int) -> ProtocolError? {
            error(#"{"\#(kind)":{"\#(name)":"f","args":"[]","request_id":1,"flags":\#(flags)}}"#)
        }
        #expect(call("CallReducer", "reducer", 1) == nil)
        #expect(call("CallReducer", "reducer", 2) == .unknownFlags(2, at: nil, allowed: 1))
        #expect(call("CallProcedure", "procedure", 0) == nil)
        #expect(call("CallProcedure", "procedure", 1) == .unknownFlags(1, at: nil, allowed: 0))
    }

    @Test func limitsHoldInTexts() {
        let limits = ProtocolLimits(
            messageBytes: 100, queriesPerMessage: 2, queryBytes: 3, nameBytes: 2, messageIDBytes: 2)
        func error(_ text: String) -> ProtocolError? { self.error(text, limits: limits) }
        #expect(error(#"[1,[["aaa","b"],1]]"#) == nil)
        #expect(error(#"[1,[["aaaa","b"],1]]"#) == .tooLarge(.queryBytes, found: 4, limit: 3, at: nil))
        #expect(error(#"[1,[["","",""],1]]"#) == .tooLarge(.queries, found: 3, limit: 2, at: nil))
        #expect(error(#"[0,["ab","[]",1,0]]"#) == nil)
        #expect(error(#"[0,["abc","[]",1,0]]"#) == .tooLarge(.nameBytes, found: 3, limit: 2, at: nil))
        #expect(error(#"[2,["aabbcc","q"]]"#) == .tooLarge(.messageIDBytes, found: 3, limit: 2, at: nil))
        let long = String(repeating: " ", count: 101)
        #expect(error(long) == .tooLarge(.messageBytes, found: 101, limit: 100, at: 0))
        // Values take far more memory than their text, so their number is limited, whatever they are.
        let values = "[" + String(repeating: "0,", count: 80) + "0]"
        #expect(
            self.error(values, limits: ProtocolLimits(queriesPerMessage: 2, messageIDBytes: 2))
                == .malformedText(.tooManyValues(limit: 68)))
    }

    @Test func nestingIsLimited() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(error(deep) == .malformedText(.tooDeep(limit: JSON.depthLimit)))
    }

    @Test func unitsAndOptionsAreSpelledAsTheOriginalDoes() throws {
        let outOfEnergy = V1.ServerMessage<V1.Text>.procedureResult(
            outcome: .outOfEnergy, timestamp: .unixEpoch, duration: .zero, requestID: 5)
        let text = String(decoding: outOfEnergy.text, as: UTF8.self)
        #expect(
            text
                == #"{"ProcedureResult":{"status":{"OutOfEnergy":[]},"timestamp":{"__timestamp_micros_since_unix_epoch__":0},"total_host_execution_duration":{"__time_duration_micros__":0},"request_id":5}}"#
        )
        #expect(try V1.ServerMessage(text: outOfEnergy.text) == outOfEnergy)
        let update = V1.ServerMessage<V1.Text>.transactionUpdate(
            V1.TransactionUpdate(
                status: .outOfEnergy, timestamp: .unixEpoch, callerIdentity: .zero, callerConnectionID: .none,
                call: V1.ReducerCall(name: "", reducerID: .max, arguments: "", requestID: 0), duration: .zero))
        #expect(
            String(decoding: update.text, as: UTF8.self).hasPrefix(
                #"{"TransactionUpdate":{"status":{"OutOfEnergy":[]},"timestamp":{"#))
        // An option may also come as null.
        let error =
            #"{"SubscriptionError":{"total_host_execution_duration_micros":1,"request_id":null,"query_id":{"none":[]},"table_id":[0,7],"error":""}}"#
        #expect(
            try V1.ServerMessage(text: [UInt8](error.utf8))
                == .subscriptionError(microseconds: 1, requestID: nil, queryID: nil, tableID: 7, message: ""))
    }

    @Test func rowsMayHoldAnyText() throws {
        let row = #"["\"quoted\" \\ \n é 🙂",1]"#
        let message = V1.ServerMessage<V1.Text>.oneOffQueryResponse(
            messageID: [], error: nil, tables: [V1.OneOffTable(table: "größe", rows: [row, "{}", ""])],
            duration: .zero)
        #expect(try V1.ServerMessage(text: message.text) == message)
    }
}
