/// Certificates for `localhost` and `127.0.0.1` that nobody vouches for, valid for a hundred years, with their keys. For tests.
package enum SelfMadeCertificate {
    package static let first = (
        chain: """
        -----BEGIN CERTIFICATE-----
        MIIBnDCCAUGgAwIBAgIUNtGo0p7Z7aA6k6n6zQzIADPVhjcwCgYIKoZIzj0EAwIw
        FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNjE5NDUzMloYDzIxMjYxMTAy
        MTk0NTMyWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
        PQMBBwNCAARpGLTelimlAGfy5aX+VS9YG7u8RV8tAJXknw2onRDiNqUjM/NAThtx
        VkEk46XEn5bGjYVweES5Xc4wK1d+SbCSo28wbTAdBgNVHQ4EFgQUQBf1MSkNpRAc
        EkvEZymjf6SiPyAwHwYDVR0jBBgwFoAUQBf1MSkNpRAcEkvEZymjf6SiPyAwDwYD
        VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
        zj0EAwIDSQAwRgIhAJJyXelxxMOOf60bwuyyFNxCbv9XqvYwI0KZYAGtuApLAiEA
        pAkLMI1nZaFbamfRdI15DkHq8qt1emFnJ1RvEYWyF5Y=
        -----END CERTIFICATE-----
        """,
        key: """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgTVmO7AKL8PHKboeG
        EFp8PZbLXlD6fJlFbKs6jL3J26ShRANCAARpGLTelimlAGfy5aX+VS9YG7u8RV8t
        AJXknw2onRDiNqUjM/NAThtxVkEk46XEn5bGjYVweES5Xc4wK1d+SbCS
        -----END PRIVATE KEY-----
        """
    )

    package static let second = (
        chain: """
        -----BEGIN CERTIFICATE-----
        MIIBmjCCAUGgAwIBAgIUaLnDbxQqTw1RC4E+sTVExtAEiWwwCgYIKoZIzj0EAwIw
        FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNjE5NDUzMloYDzIxMjYxMTAy
        MTk0NTMyWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
        PQMBBwNCAARobwqSq0J9kDu2AFTr7k+Ygo1Dhg/21VJ6Lq980X859OWqHiAYV93W
        YNQ8KxkFpaGyzsXbCAf525L1quNTZwMCo28wbTAdBgNVHQ4EFgQUes4QuuDYTzml
        7PLB24gofQ5z8O0wHwYDVR0jBBgwFoAUes4QuuDYTzml7PLB24gofQ5z8O0wDwYD
        VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
        zj0EAwIDRwAwRAIgE3sJwXZ0uF2LQbWYE2Jo8Qrt1eAw3+Rx86Bn4pKu7ewCIBlo
        JL3PZhrpeXbJM/heRmPIRNatkUezbaIqAXB2TD6k
        -----END CERTIFICATE-----
        """,
        key: """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgfccPhCftIgJvx1fo
        v/LaJnhqzJbWzYHwx9/bTfCZGPChRANCAARobwqSq0J9kDu2AFTr7k+Ygo1Dhg/2
        1VJ6Lq980X859OWqHiAYV93WYNQ8KxkFpaGyzsXbCAf525L1quNTZwMC
        -----END PRIVATE KEY-----
        """
    )
}
