import Foundation
import SpacetimeFoundation
import SpacetimeSATS
import Testing

@Suite struct FoundationBridgeTests {
    @Test func timesOfOurCenturiesComeBackToTheMicrosecond() {
        var random = SystemRandomNumberGenerator()
        let seed = UInt64.random(in: .min ... .max, using: &random)
        print("timesOfOurCenturies: seed \(seed)")
        var state = seed
        // From 1870 to 2130.
        let range = Int64(-3_155_760_000_000_000)...5_049_129_600_000_000
        for _ in 0..<20_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let offset = Int64(state >> 1) % (range.upperBound - range.lowerBound)
            let time = Timestamp(microsecondsSinceUnixEpoch: range.lowerBound + offset)
            #expect(Timestamp(Date(time)) == time, "seed \(seed)")
        }
    }

    @Test func datesMeanTheSameMoment() {
        #expect(Date(Timestamp.unixEpoch) == Date(timeIntervalSince1970: 0))
        #expect(Timestamp(Date(timeIntervalSince1970: 1.5)) == Timestamp(microsecondsSinceUnixEpoch: 1_500_000))
        #expect(Timestamp(Date(timeIntervalSince1970: -1.25)) == Timestamp(microsecondsSinceUnixEpoch: -1_250_000))
        #expect(Timestamp(Date(timeIntervalSinceReferenceDate: 0)) == Timestamp("2001-01-01T00:00:00Z"))
    }

    @Test func datesOutOfRangeBecomeTheNearestTime() {
        #expect(Timestamp(Date.distantFuture) == Timestamp("4001-01-01T00:00:00Z"))
        #expect(Timestamp(Date(timeIntervalSinceReferenceDate: 1e300)) == .max)
        #expect(Timestamp(Date(timeIntervalSinceReferenceDate: 1e15)) == .max)
        #expect(Timestamp(Date(timeIntervalSinceReferenceDate: -.infinity)) == .min)
        #expect(Timestamp(Date(timeIntervalSinceReferenceDate: .nan)) == .unixEpoch)
        #expect(Date(Timestamp.max) > .distantFuture && Date(Timestamp.min) < .distantPast)
    }

    @Test func intervalsAreSeconds() {
        #expect(TimeDuration(1.5 as TimeInterval) == .milliseconds(1_500))
        #expect(TimeDuration(-0.000_001 as TimeInterval) == .microseconds(-1))
        #expect(TimeDuration(TimeInterval.infinity) == .max && TimeDuration(-1e300 as TimeInterval) == .min)
        #expect(TimeDuration(TimeInterval.nan) == .zero)
        #expect(TimeDuration.minutes(2).timeInterval == 120)
        let odd = TimeDuration(microseconds: 8_640_000_123_457)
        #expect(TimeDuration(odd.timeInterval) == odd)
    }

    @Test func uuidsHaveTheSameText() throws {
        for text in ["00112233-4455-6677-8899-aabbccddeeff", "ffffffff-ffff-4fff-bfff-fffffffffffe"] {
            let ours = try #require(Uuid(text))
            let theirs = try #require(UUID(uuidString: text))
            #expect(UUID(ours) == theirs && Uuid(theirs) == ours)
        }
        let random = UUID()
        #expect(Uuid(random).description == random.uuidString.lowercased())
    }

    @Test func bytesOfIdsStandAsDisplayed() throws {
        let identity = Identity(issuer: "localhost", subject: "alice")
        #expect(Data(identity).map { String(format: "%02x", $0) }.joined() == identity.hex)
        #expect(Identity(Data(identity)) == identity)
        let connection = try #require(ConnectionId(hex: "000102030405060708090a0b0c0d0e0f"))
        #expect(Data(connection) == Data(0..<16))
        #expect(ConnectionId(Data(connection)) == connection)
        #expect(Identity(Data(connection)) == nil && ConnectionId(Data(identity)) == nil)
    }

    @Test func anyTypeIsReadFromData() throws {
        #expect(try [String](bsatn: Data(["a", "b"].bsatn())) == ["a", "b"])
        #expect(throws: BSATNError.self) { try UInt32(bsatn: Data([1, 2, 3])) }
        // A slice does not begin at index 0.
        #expect(try UInt16(bsatn: Data([9, 9, 1, 2])[2...]) == 0x0201)
    }

    private struct Letter: Codable, Equatable {
        var from: Identity
        var to: [Identity: Int]
        var on: ConnectionId
        var id: Uuid
        var sent: Timestamp
        var took: TimeDuration
        var again: [ScheduleAt]
        var wide: UInt256
        var signed: Int256
    }

    @Test func codableTypesAreReadableTexts() throws {
        let alice = Identity(issuer: "localhost", subject: "alice")
        let letter = Letter(
            from: alice, to: [alice: 1], on: ConnectionId(number: 15), id: Uuid(number: 1),
            sent: Timestamp(microsecondsSinceUnixEpoch: 1_700_000_000_123_456), took: .milliseconds(-1_500),
            again: [.interval(.seconds(5)), .time(.unixEpoch), .time(.max), .interval(.min)], wide: .max, signed: .min)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = try encoder.encode(letter)
        #expect(
            String(decoding: data, as: UTF8.self) == """
                {"again":["+5.000000","1970-01-01T00:00:00.000000Z","+294247-01-10T04:00:54.775807Z",\
                "-9223372036854.775808"],"from":"\(alice.hex)","id":"00000000-0000-0000-0000-000000000001",\
                "on":"0000000000000000000000000000000f","sent":"2023-11-14T22:13:20.123456Z",\
                "signed":"\(Int256.min)","to":{"\(alice.hex)":1},"took":"-1.500000","wide":"\(UInt256.max)"}
                """)
        #expect(try JSONDecoder().decode(Letter.self, from: data) == letter)
    }

    @Test func everyValueSurvivesCodable() throws {
        var generator = SystemRandomNumberGenerator()
        let seed = UInt64.random(in: .min ... .max, using: &generator)
        print("everyValueSurvivesCodable: seed \(seed)")
        var state = seed
        func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state
        }
        func check<Value: Codable & Equatable>(_ value: Value) throws {
            let data = try JSONEncoder().encode([value])
            #expect(try JSONDecoder().decode([Value].self, from: data) == [value], "seed \(seed)")
        }
        for _ in 0..<300 {
            let wide = UInt256(words: next(), next(), next(), next())
            let number = Int64(bitPattern: next()) >> Int64(next() % 64)
            try check(Identity(number: wide))
            try check(wide)
            try check(Int256(bitPattern: wide))
            try check(ConnectionId(number: wide.low))
            try check(Uuid(number: wide.low))
            try check(Timestamp(microsecondsSinceUnixEpoch: number))
            try check(TimeDuration(microseconds: number))
            try check(ScheduleAt.interval(TimeDuration(microseconds: number)))
            try check(ScheduleAt.time(Timestamp(microsecondsSinceUnixEpoch: number)))
        }
    }

    @Test func wrongTextsSayWhatWasExpected() {
        func problem<Value: Decodable>(_ type: Value.Type, _ json: String) -> String? {
            do {
                _ = try JSONDecoder().decode([Value].self, from: Data(json.utf8))
                return nil
            } catch DecodingError.dataCorrupted(let context) {
                return context.debugDescription
            } catch {
                return "\(error)"
            }
        }
        #expect(problem(Identity.self, "[\"c200\"]") == "expected an identity of 64 hexadecimal digits, not 'c200'")
        #expect(problem(Timestamp.self, "[\"today\"]")?.contains("2023-11-14T22:13:20.123456Z") == true)
        #expect(problem(ScheduleAt.self, "[\"\"]")?.contains("interval") == true)
        #expect(problem(UInt256.self, "[\"-1\"]")?.contains("decimal digits") == true)
        #expect(problem(TimeDuration.self, "[5]") != nil)
    }
}
