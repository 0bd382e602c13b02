import SpacetimeSATS
import Testing

@Suite struct TimeTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000000Z"), (-1, "1969-12-31T23:59:59.999999Z"),
            (1_700_000_000_123_456, "2023-11-14T22:13:20.123456Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (-62_167_219_200_000_000, "0000-01-01T00:00:00.000000Z"),
            (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
            (253_402_300_800_000_000, "+10000-01-01T00:00:00.000000Z"),
        ] as [(Int64, String)])
    func timesAreSpelledInRFC3339(_ microseconds: Int64, _ text: String) {
        let time = Timestamp(microsecondsSinceUnixEpoch: microseconds)
        #expect(time.description == text)
        #expect(Timestamp(text) == time)
    }

    @Test func theEndsOfTheRangeHaveASpelling() {
        #expect(Timestamp.min.description == "-290308-12-21T19:59:05.224192Z")
        #expect(Timestamp.max.description == "+294247-01-10T04:00:54.775807Z")
        #expect(Timestamp("-290308-12-21T19:59:05.224192Z") == .min)
        #expect(Timestamp("+294247-01-10T04:00:54.775807Z") == .max)
        #expect(Timestamp("-290308-12-21T19:59:05.224191Z") == nil)
        #expect(Timestamp("+294247-01-10T04:00:54.775808Z") == nil)
        #expect(Timestamp("+999999-01-01T00:00:00Z") == nil && Timestamp("+0999999-01-01T00:00:00Z") == nil)
        #expect(Timestamp("10000-01-01T00:00:00Z") == nil && Timestamp("+999-01-01T00:00:00Z") == nil)
        #expect(Timestamp("-0001-12-31T23:59:59Z")?.description == "-0001-12-31T23:59:59.000000Z")
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

    @Test func durationsAreReadBack() {
        for microseconds in [0, 1, -1, 999_999, -1_000_000, 1_500_000, .max, .min, .min + 1] as [Int64] {
            let duration = TimeDuration(microseconds: microseconds)
            #expect(TimeDuration(duration.description) == duration)
        }
        for (text, microseconds) in [
            ("1.5", 1_500_000), ("5", 5_000_000), ("-0.1", -100_000), ("+000000000000000000007.000000999", 7_000_000),
        ] as [(String, Int64)] {
            #expect(TimeDuration(text) == TimeDuration(microseconds: microseconds), "\(text)")
        }
        for text in [
            "", "+", "-", ".", "1.", ".5", "1.5s", "1e3", " 1", "1 ", "--1", "1.0000000001", "9223372036854.775808",
            "-9223372036854.775809", "99999999999999", "１", "1\u{301}",
        ] {
            #expect(TimeDuration(text) == nil, "\(text)")
        }
    }

    @Test func schedulesAreReadBack() {
        for schedule in [
            .interval(.seconds(5)), .interval(.min), .interval(.max), .time(.unixEpoch), .time(.min), .time(.max),
        ] as [ScheduleAt] {
            #expect(ScheduleAt(schedule.description) == schedule)
        }
        #expect(ScheduleAt("2023-11-14") == nil && ScheduleAt("") == nil)
    }

    @Test func arithmeticSaturatesInsteadOfTrapping() {
        let last = Timestamp(microsecondsSinceUnixEpoch: .max)
        let first = Timestamp(microsecondsSinceUnixEpoch: .min)
        #expect(last + .seconds(1) == last)
        #expect(first - .seconds(1) == first)
        #expect(last - first == .max)
        #expect((first - last).microseconds == .min)
        #expect(.unixEpoch + .milliseconds(2) == Timestamp(microsecondsSinceUnixEpoch: 2_000))
        #expect(TimeDuration.seconds(Int64.max) == .max)
        #expect(TimeDuration(.seconds(Int64.max)) == .max)
        #expect(TimeDuration(.milliseconds(-1_500)) == TimeDuration(microseconds: -1_500_000))
        #expect(TimeDuration.seconds(2).duration == .seconds(2))
        #expect(TimeDuration.min - .microseconds(1) == .min && .zero - TimeDuration.min == .max)
        #expect(TimeDuration.max * 2 == .max && TimeDuration.max * -2 == .min && TimeDuration.min * -1 == .max)
        #expect(TimeDuration.min / -1 == .max && TimeDuration.seconds(3) / 2 == .milliseconds(1_500))
        #expect(last + Duration.seconds(Int64.max) == last && first - Duration.seconds(Int64.max) == first)
    }

    @Test func anyIntegerCountsUnits() {
        #expect(TimeDuration.weeks(UInt8(2)) == .days(14) && TimeDuration.days(Int32(-1)) == .hours(-24))
        #expect(TimeDuration.minutes(UInt64.max) == .max && TimeDuration.hours(Int128.min) == .min)
        #expect(TimeDuration.microseconds(UInt128(7)) == TimeDuration(microseconds: 7))
        #expect(Duration.weeks(UInt8(2)) == .seconds(1_209_600) && Duration.days(Int16(-1)) == .hours(-24))
        #expect(Duration.minutes(UInt64(3)) == .seconds(180))
    }

    @Test func timesMoveByDurationsOfEitherKind() {
        let start = Timestamp(microsecondsSinceUnixEpoch: 1_000_000)
        let clock: Duration = .milliseconds(1_500)
        var time = start + clock
        #expect(time == Timestamp(microsecondsSinceUnixEpoch: 2_500_000))
        #expect(time - start == .milliseconds(1_500) && (time - start).duration == clock)
        time -= clock
        time += .seconds(1)
        time -= .milliseconds(250)
        time += clock
        #expect(time - clock == start + .milliseconds(750) && time > start)
        #expect(TimeDuration.minutes(1) > .seconds(59) && TimeDuration.minutes(90) / TimeDuration.hours(1) == 1.5)
    }
}
