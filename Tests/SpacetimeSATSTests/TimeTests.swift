import SpacetimeSATS
import Testing

@Suite struct TimeTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000000+00:00"), (-1, "1969-12-31T23:59:59.999999+00:00"),
            (1_700_000_000_123_456, "2023-11-14T22:13:20.123456+00:00"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000+00:00"),
            (-62_167_219_200_000_000, "0000-01-01T00:00:00.000000+00:00"),
            (253_402_300_799_999_999, "9999-12-31T23:59:59.999999+00:00"),
            (253_402_300_800_000_000, "+10000-01-01T00:00:00.000000+00:00"),
        ] as [(Int64, String)])
    func timesAreSpelledInRFC3339(_ microseconds: Int64, _ text: String) {
        let time = Timestamp(microsecondsSinceUnixEpoch: microseconds)
        #expect(time.description == text)
        if !text.hasPrefix("+") { #expect(Timestamp(text) == time) }
    }

    @Test func theEndsOfTheRangeHaveASpelling() {
        #expect(Timestamp(microsecondsSinceUnixEpoch: .min).description == "-290308-12-21T19:59:05.224192+00:00")
        #expect(Timestamp(microsecondsSinceUnixEpoch: .max).description == "+294247-01-10T04:00:54.775807+00:00")
    }

    @Test func daysOfFourCenturiesReadBack() {
        let day: Int64 = 86_400_000_000
        for index in stride(from: -200 * 365, to: 200 * 365 + 100, by: 17) {
            let time = Timestamp(microsecondsSinceUnixEpoch: Int64(index) * day + 12_345_678)
            #expect(Timestamp(time.description) == time)
        }
    }

    @Test func otherSpellingsAreRead() {
        let time = Timestamp(microsecondsSinceUnixEpoch: 1_700_000_000_000_000)
        for text in [
            "2023-11-14T22:13:20Z", "2023-11-14 22:13:20z", "2023-11-14t22:13:20.000000999+00:00",
            "2023-11-15T00:43:20+02:30", "2023-11-14T14:13:20-08:00",
        ] {
            #expect(Timestamp(text) == time, "\(text)")
        }
        for text in [
            "", "2023-11-14", "2023-11-14T22:13:20", "2023-13-14T22:13:20Z", "2023-02-29T00:00:00Z",
            "2023-11-14T24:00:00Z", "2023-11-14T22:13:20.Z", "2023-11-14T22:13:20Zx", "2023-11-00T22:13:20Z",
            "2023-11-14T22:13:20.1234567890Z", "2023-11-14T22:60:20Z", "x023-11-14T22:13:20Z", "2023-11-14T22:13:20+1",
        ] {
            #expect(Timestamp(text) == nil, "\(text)")
        }
    }

    @Test func durationsAreSpelledWithSignAndSixDigits() {
        #expect(TimeDuration(microseconds: 1_500_000).description == "+1.500000")
        #expect(TimeDuration(microseconds: -1_500_000).description == "-1.500000")
        #expect(TimeDuration(microseconds: -1).description == "-0.000001")
        #expect(TimeDuration(microseconds: .min).description == "-9223372036854.775808")
    }

    @Test func arithmeticSaturatesInsteadOfTrapping() {
        let last = Timestamp(microsecondsSinceUnixEpoch: .max)
        let first = Timestamp(microsecondsSinceUnixEpoch: .min)
        #expect(last + .seconds(1) == last)
        #expect(first - .seconds(1) == first)
        #expect(last - first == .max)
        #expect((first - last).microseconds == .min)
        #expect(.unixEpoch + .milliseconds(2) == Timestamp(microsecondsSinceUnixEpoch: 2_000))
        #expect(TimeDuration.seconds(.max) == .max)
        #expect(TimeDuration(.seconds(Int64.max)) == .max)
        #expect(TimeDuration(.milliseconds(-1_500)) == TimeDuration(microseconds: -1_500_000))
        #expect(TimeDuration.seconds(2).duration == .seconds(2))
    }
}
