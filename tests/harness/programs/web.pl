#!/usr/bin/perl
# The test images' web server: one process, no modules, Linux only. Port 8080 (or the first argument), TCP and UDP.
#   GET /          POD PEER-ADDRESS
#   GET /slow?10   the same after 10 s, a line each second before it
#   a datagram     POD PEER-ADDRESS
# On SIGTERM it does what a well-behaved server does: it takes what has connected already, listens no longer, finishes what it is asked,
# says "Connection: close", and ends when nobody is left or has asked anything for 3 s.

my ($port) = (@ARGV, 8080);
my $name = `hostname`;
chomp $name;
my $any = pack("S n x4 x8", 2, $port);
my $ending = 0;
my $asked = time;
my %open;    # file number => { fh, peer, in, out, close, slow => [left, next] }

$SIG{TERM} = $SIG{INT} = sub { $ending = 1 };
$SIG{PIPE} = "IGNORE";
$| = 1;

socket(my $listen, 2, 1, 6) or die "socket: $!";
setsockopt($listen, 1, 2, 1);
bind($listen, $any) or die "bind: $!";
listen($listen, 1024) or die "listen: $!";
fcntl($listen, 4, 2048);    # F_SETFL, O_NONBLOCK
socket(my $udp, 2, 2, 17) or die "socket: $!";
bind($udp, $any) or die "bind: $!";
fcntl($udp, 4, 2048);
print "$name listens on port $port\n";

sub address { join ".", unpack("x4 C4", $_[0]) }

sub accept_all {
    while (my $from = accept(my $fh, $listen)) {
        fcntl($fh, 4, 2048);
        setsockopt($fh, 6, 1, 1);    # TCP_NODELAY
        $open{ fileno $fh } = { fh => $fh, peer => address($from), in => "", out => "" };
        $asked = time;
    }
}

sub answer {
    my ($c) = @_;
    my $body = "$name $c->{peer}\n";
    my $head = $c->{close} || $ending ? "Connection: close\r\n" : "";
    $c->{close} = 1 if $ending;
    if ($c->{slow}) {
        my $length = 2 * $c->{slow}[0] + length $body;
        $c->{out} .= "HTTP/1.1 200 OK\r\n${head}Content-Length: $length\r\n\r\n";
        return;
    }
    $c->{out} .= "HTTP/1.1 200 OK\r\n${head}Content-Length: " . length($body) . "\r\n\r\n$body";
}

sub requests {
    my ($c) = @_;
    while (!$c->{slow} && $c->{in} =~ s/^(\S+) (\S+) HTTP\/1\.(\d)\r?\n(.*?)\r?\n\r?\n//s || $c->{in} =~ s/^(\S+) (\S+) HTTP\/1\.(\d)\r?\n(\r?\n)//s) {
        my ($path, $minor, $headers) = ($2, $3, $4);
        $asked = time;
        $c->{close} = 1 if $headers =~ /^connection:\s*close/im || $minor == 0;
        $c->{slow} = [$1, time + 1] if $path =~ /^\/slow\?(\d+)/ && $1 > 0;
        answer($c);
    }
}

sub drip {
    my ($c) = @_;
    return if !$c->{slow} || time < $c->{slow}[1];
    $asked = time;
    $c->{slow}[1]++;
    $c->{out} .= ".\n";
    return if --$c->{slow}[0] > 0;
    $c->{out} .= "$name $c->{peer}\n";
    delete $c->{slow};
    requests($c);
}

sub drop { my ($id) = @_; close $open{$id}{fh}; delete $open{$id} }

my $listening = 1;
while (1) {
    if ($ending && $listening) {
        accept_all();
        close $listen;
        $listening = 0;
        $asked = time;
    }
    exit 0 if $ending && (!%open || time - $asked > 3);
    my ($r, $w) = ("", "");
    vec($r, fileno $listen, 1) = 1 if $listening;
    vec($r, fileno $udp, 1) = 1;
    for my $id (keys %open) {
        vec($r, $id, 1) = 1;
        vec($w, $id, 1) = 1 if length $open{$id}{out};
    }
    my $ready = select($r, $w, undef, 0.2);
    if ($ready > 0) {
        accept_all() if $listening && vec($r, fileno $listen, 1);
        if (vec($r, fileno $udp, 1)) {
            while (my $from = recv($udp, my $data, 2000, 0)) { send($udp, "$name " . address($from) . "\n", 0, $from) }
        }
        for my $id (keys %open) {
            next unless vec($r, $id, 1) && $open{$id};
            my $c = $open{$id};
            my $got = sysread($c->{fh}, $c->{in}, 65536, length $c->{in});
            if (defined $got ? $got == 0 : $! != 11) { drop($id); next }
            requests($c);
        }
    }
    for my $id (keys %open) {
        my $c = $open{$id};
        drip($c);
        if (length $c->{out}) {
            my $sent = syswrite($c->{fh}, $c->{out});
            if (defined $sent) { substr($c->{out}, 0, $sent, "") }
            elsif ($! != 11) { drop($id); next }
        }
        drop($id) if $c->{close} && !length $c->{out} && !$c->{slow};
    }
}
