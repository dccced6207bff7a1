<?php
// Keeps what is posted, and lists it.
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    $kept = @file_put_contents('/var/www/uploads/posted', file_get_contents('php://input'));
    exit($kept === false ? error_get_last()['message'] : 'ok');
}
echo 'kept: ', implode(' ', array_diff(scandir('/var/www/uploads'), ['.', '..']));
